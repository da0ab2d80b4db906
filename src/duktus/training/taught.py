"""What a training run hands back, and what it may ask of its caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duktus.domain.style import CurvePoint, Verdict

Sample = Callable[[int, Path], Path | None]
"""Draws a picture with the style file of a step and returns where it lies."""
Draw = Callable[[Path, float, str, Sequence[int]], Sequence[NDArray[np.uint8]]]
"""Pictures (h, w, 3) uint8 of one prompt, one per seed, with a style file at a strength."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A finished style."""

    file: Path
    tensor_hash: str
    file_hash: str
    steps: int
    """Of the whole run; ``delivered_step`` is the one in the file."""
    delivered_step: int
    seconds: float
    verdict: Verdict
    curve: tuple[CurvePoint, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paused:
    """A run that was asked to stop; ``checkpoint`` holds all of it, and ``resume`` goes on from there."""

    step: int
    steps: int
    checkpoint: Path
