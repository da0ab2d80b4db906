"""Control pictures that follow from a picture alone: Canny edges, and the strokes of a drawing.

Depth and pose need networks of their own to be seen in a picture; those control pictures are given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from duktus.domain.beginning import ControlKind
from duktus.rendering.compare import Pixels

LOW, HIGH = 100.0, 200.0
"""Canny's thresholds on the gradient (sum of the absolute Sobel answers), those of the field."""

Grey = NDArray[np.floating[Any]]


def control_pixels(kind: ControlKind, pixels: Pixels) -> Pixels:
    """The control picture of that kind from a picture; depth and pose are taken as they are."""
    if kind is ControlKind.CANNY:
        return _three(canny(pixels))
    if kind is ControlKind.LINE:
        return _three(strokes(pixels))
    return pixels


def canny(pixels: Pixels, low: float = LOW, high: float = HIGH) -> NDArray[np.uint8]:
    """(h, w): 255 on edges (Canny 1986), with 3x3 Sobel gradients: thinned along the gradient, kept where
    it is above ``high``, or above ``low`` and connected to such a place.
    """
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float32)
    across, down = _sobel(grey)
    strength = np.abs(across) + np.abs(down)
    thin = strength * _is_ridge(strength, across, down)
    kept, weak = thin > high, thin > low
    while True:
        wider = weak & _grown(kept)
        if (wider == kept).all():
            return np.where(kept, 255, 0).astype(np.uint8)
        kept = wider


def strokes(pixels: Pixels) -> NDArray[np.uint8]:
    """(h, w): how much darker each place is than its surroundings; the darkest strokes are white.

    A difference of Gaussians whose widths follow the size of the picture (short side / 256 and / 32).
    """
    image = Image.fromarray(pixels).convert("L")
    short = min(image.size)
    fine, wide = (
        np.asarray(image.filter(ImageFilter.GaussianBlur(short / part)), dtype=np.float32)
        for part in (256, 32)
    )
    darker = np.maximum(wide - fine, 0)
    top = max(float(np.quantile(darker, 0.995)), 16.0)  # in a picture without strokes nothing is one
    return np.rint(np.clip(darker / top, 0, 1) * 255).astype(np.uint8)


def _sobel(grey: Grey) -> tuple[Grey, Grey]:
    p = np.pad(grey, 1, mode="edge")
    left, right = p[:, :-2], p[:, 2:]
    across = (right - left)[:-2] + 2 * (right - left)[1:-1] + (right - left)[2:]
    top, bottom = p[:-2], p[2:]
    down = (bottom - top)[:, :-2] + 2 * (bottom - top)[:, 1:-1] + (bottom - top)[:, 2:]
    return across, down


def _is_ridge(strength: Grey, across: Grey, down: Grey) -> NDArray[np.bool_]:
    """Whether a place is at least as strong as both its neighbours along the gradient (in 45 degrees)."""
    p = np.pad(strength, 1)
    height, width = strength.shape

    def at(dy: int, dx: int) -> Grey:
        return p[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    flat, steep = np.abs(down) < 0.4142 * np.abs(across), np.abs(down) > 2.4142 * np.abs(across)
    same = across * down >= 0
    before = np.where(flat, at(0, -1), np.where(steep, at(-1, 0), np.where(same, at(-1, -1), at(-1, 1))))
    behind = np.where(flat, at(0, 1), np.where(steep, at(1, 0), np.where(same, at(1, 1), at(1, -1))))
    return (strength > before) & (strength >= behind)


def _grown(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    p = np.pad(places, 1)
    height, width = places.shape
    return np.logical_or.reduce([p[y : y + height, x : x + width] for y in range(3) for x in range(3)])


def _three(grey: NDArray[np.uint8]) -> Pixels:
    return np.repeat(grey[:, :, None], 3, axis=2)
