"""Eight bits for a weight that no longer changes: int8 with one scale for each output channel.

Symmetric, so that a zero stays a zero, and weight-only: what is computed, and in which dtype, stays as it is.
Round to nearest with the largest value of a row at 127 (Jacob et al. 2018, arXiv 1712.05877, section 2.1,
without its zero point; per channel as in Krishnamoorthi 2018, arXiv 1806.08342, section 2.2).
"""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 127
WORST = 0.05
"""Largest relative error of a weight that is taken. Normally distributed rows are at about 0.01; rows with
single values far above all others would lose the others, and such a weight stays as it is."""


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """int8 (out, ...) and scales (out, 1, ...), these rounded to the dtype of ``weight`` first."""
    largest = weight.abs().amax(dim=tuple(range(1, weight.ndim)), keepdim=True).float()
    scale = (largest / LEVELS).to(weight.dtype)
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    steps = (weight.float() / scale.float()).round_().clamp_(-LEVELS, LEVELS)
    return steps.to(torch.int8), scale


def restored(steps: Tensor, scale: Tensor) -> Tensor:
    """The weight (out, ...) again, in the dtype of ``scale``."""
    return steps.to(scale.dtype).mul_(scale)


def relative_error(weight: Tensor, steps: Tensor, scale: Tensor) -> float:
    """How far the restored weight is off: the root mean square over all rows of a row's error (root mean
    square) as a share of its typical magnitude, the square of the mean root, which few large values do not
    lift as they would lift a norm.
    """
    rows = weight.float().flatten(1)
    off = (restored(steps, scale).float().flatten(1) - rows).square().mean(1)
    size = rows.abs().sqrt().mean(1).pow(4)
    return float(torch.where(size == 0, off, off / size).mean().sqrt())
