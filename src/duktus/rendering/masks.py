"""Masks drawn from shapes: white where the picture may change, black elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from duktus.domain.beginning_words import Shape


def drawn(shapes: Sequence[Shape], width: int, height: int) -> NDArray[np.uint8]:
    """(height, width): 255 for every pixel whose centre lies in one of the shapes."""
    across, down = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    inside = np.zeros((height, width), bool)
    for shape in shapes:
        sides = (width, height, width, height)
        x, y, *rest = (length.of(side) for length, side in zip(shape.numbers, sides, strict=False))
        if shape.kind == "circle":
            inside |= (across - x) ** 2 + (down - y) ** 2 <= rest[0] ** 2
        else:
            inside |= (across >= x) & (across < x + rest[0]) & (down >= y) & (down < y + rest[1])
    return np.where(inside, 255, 0).astype(np.uint8)
