"""Arithmetic whose bits do not depend on what shares the batch (CPU float32)."""

from __future__ import annotations

from torch import nn


def hold_bits(denoiser: nn.Module) -> None:
    """Replace the batch-variant operations of a denoiser by picture-by-picture ones."""
    del denoiser
