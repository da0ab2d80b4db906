"""The finished style file, written by its family, read back and compared with what was taught."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import TrainingError
from duktus.families import registry
from duktus.training.checkpoint import storage_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from duktus.domain.base import Base
    from duktus.domain.style import TeachSettings
    from duktus.families.family import LoadedBase

MAX_ERROR = 1e-3
"""Relative, of the weight change that the file gives against the one that was taught."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A style file that was read back. ``error`` is the largest relative error of a weight change."""

    path: Path
    tensor_hash: str
    file_hash: str
    modules: int
    error: float


def style_metadata(base: Base, settings: TeachSettings, step: int) -> dict[str, str]:
    """What a style file says of itself; no names of people, folders or pictures."""
    return {
        "title": settings.trigger,
        "trigger": settings.trigger,
        "base_name": base.name,
        "base_weights": base.weights,
        "base_role": base.role.value,
        "steps": str(step),
        "learning_rate": f"{settings.learning_rate:g}",
        "seed": str(settings.seed),
        "resolution": f"{settings.resolution}x{settings.resolution}",
    }


def write_quietly(
    path: Path, base: Base, tensors: Mapping[str, tuple[Tensor, Tensor]], settings: TeachSettings, step: int
) -> str:
    """Write the style without reading it back (for samples); return its tensor hash."""
    family = registry.family(base.family)
    try:
        return family.write_style(
            path, tensors, alpha=settings.alpha, metadata=style_metadata(base, settings, step)
        )
    except OSError as error:
        raise storage_error(path, error) from error


def export_style(
    path: Path,
    loaded: LoadedBase,
    tensors: Mapping[str, tuple[Tensor, Tensor]],
    settings: TeachSettings,
    step: int,
) -> Exported:
    """Write the style and prove it: every module is there and changes its weight as taught.

    Raises :class:`TrainingError` when the file does not hold what was taught.
    """
    tensor_hash = write_quietly(path, loaded.base, tensors, settings, step)
    back = registry.family(loaded.base.family).read_style(path, loaded)
    if set(back) != set(tensors):
        raise TrainingError(
            f"{path.name} holds {len(set(back) & set(tensors))} of {len(tensors)} modules that were taught.",
            "The family's file layout lost the others.",
            "This is a fault of duktus; please report it.",
        )
    if not any(bool(up.any()) for _, up, _ in back.values()):
        raise TrainingError(f"{path.name} is all zero.", "It would change nothing.", "Teach for more steps.")
    scale = settings.alpha / settings.rank
    error = max(_relative_error(tensors[name], scale, back[name]) for name in tensors)
    if not error < MAX_ERROR:
        raise TrainingError(
            f"{path.name} changes a weight {error:.1e} differently than what was taught.",
            f"At most {MAX_ERROR:g} is allowed.",
            "Teach with --dtype float32.",
        )
    return Exported(path, tensor_hash, hashlib.sha256(path.read_bytes()).hexdigest(), len(back), error)


def _relative_error(taught: tuple[Tensor, Tensor], scale: float, read: tuple[Tensor, Tensor, float]) -> float:
    wanted = scale * _change(*taught)
    got = read[2] * _change(read[0], read[1])
    size = float(torch.linalg.vector_norm(wanted))
    return float(torch.linalg.vector_norm(wanted - got)) / size if size else float(got.any())


def _change(down: Tensor, up: Tensor) -> Tensor:
    """The weight change ``up @ down``, (out, in...), in float64."""
    return up.detach().cpu().double().flatten(1) @ down.detach().cpu().double().flatten(1)
