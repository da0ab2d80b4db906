"""What the world knows beside a picture: its lines, its depth, and the same picture at twice the size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from duktus.domain.beginning import ControlKind
from duktus.miniature.world import Portrait
from duktus.miniature.world.raster import UNIT
from duktus.miniature.world.scene import Scene, build_scene, contours, feature_lines
from tools.miniature.data import SIZE

Picture = npt.NDArray[np.uint8]

LINE_WIDTH = 1.6 * UNIT
"""1.6 pixels of a 128-pixel picture."""
NEAREST = 0.3
"""The grey at which the figure begins: the ground behind it is 0."""


def scene_of(portrait: Portrait, seed: int, size: int = SIZE) -> Scene:
    """The geometry that ``world.draw`` uses for this portrait and seed, whatever the medium."""
    shape, _ = np.random.SeedSequence([seed & 0xFFFFFFFFFFFFFFFF, 0xD0C7]).spawn(2)
    return build_scene(portrait, np.random.default_rng(shape), size)


def control_picture(kind: ControlKind, portrait: Portrait, seed: int, size: int = SIZE) -> Picture:
    """(size, size) bytes: white lines on black, or near is white."""
    scene = scene_of(portrait, seed, size)
    return _bytes(lines(scene) if kind is ControlKind.LINE else depth(scene))


def lines(scene: Scene) -> npt.NDArray[np.float32]:
    """Outlines and features as one inks them, 0 to 1."""
    return np.maximum(contours(scene, LINE_WIDTH), feature_lines(scene))


def depth(scene: Scene) -> npt.NDArray[np.float32]:
    """The relief of the figure in front of a flat ground, 0 to 1."""
    height = np.clip(scene.height, 0, None)
    return scene.figure * (NEAREST + (1 - NEAREST) * height / max(float(height.max()), 1e-6))


def halved(picture: Picture) -> Picture:
    """The picture at half its size, each pixel the mean of four."""
    height, width = picture.shape[:2]
    blocks = picture.reshape(height // 2, 2, width // 2, 2, 3).astype(np.float32)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def _bytes(values: npt.NDArray[np.float32]) -> Picture:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
