"""Small tools for drawing with arrays: coordinates, soft edges, noise and mixing.

Pictures are float32 arrays of shape (size, size, 3) in 0..1, masks (size, size) in 0..1.
Coordinates run from -1 to 1 in both directions, y downwards; one pixel of a 128-pixel
picture is therefore 1/64, the unit in which line widths are given.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float32]
"""A float32 array: a mask, a field or a picture."""

Field = npt.NDArray[np.floating[Any]]
"""Whatever floats the tools take."""

UNIT = 1.0 / 64.0
"""One pixel of a 128-pixel picture in coordinates."""


def grid(size: int) -> tuple[Array, Array]:
    """The x and y coordinates of pixel centres, each (size, size) in -1..1."""
    line = ((np.arange(size, dtype=np.float32) + 0.5) * (2.0 / size) - 1.0).astype(np.float32)
    x, y = np.meshgrid(line, line)
    return x, y


def ramp(low: float, high: float, values: Field) -> Array:
    """Smoothstep: 0 below `low`, 1 above `high` (or the reverse when low > high)."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def fill(distance: Field, soft: float = 1.0 * UNIT) -> Array:
    """Coverage of a shape from its signed distance (negative inside), soft edges of `soft`."""
    pixel = 2.0 / distance.shape[-1]
    edge = max(soft, 0.9 * pixel)
    return np.clip(0.5 - distance / (2.0 * edge), 0.0, 1.0).astype(np.float32)


def stroke(distance: Field, width: float, soft: float = 0.7 * UNIT) -> Array:
    """Coverage of a line of `width` along the zero of `distance`."""
    return fill(np.abs(distance) - 0.5 * width, soft)


def ellipse(x: Field, y: Field, radius_x: float, radius_y: float) -> Array:
    """An approximate signed distance to an axis-parallel ellipse around the origin."""
    r = np.sqrt((x / radius_x) ** 2 + (y / radius_y) ** 2) + 1e-6
    length = np.sqrt(x * x + y * y) + 1e-6
    return (length * (1.0 - 1.0 / r)).astype(np.float32)


def gauss(x: Field, y: Field, radius_x: float, radius_y: float) -> Array:
    """A bump of height 1 around the origin."""
    return np.exp(-((x / radius_x) ** 2) - (y / radius_y) ** 2).astype(np.float32)


@functools.lru_cache(maxsize=256)
def _blur_matrix(size: int, pixels: float) -> Array:
    """The matrix that blurs a line of `size` pixels, its ends continued outwards."""
    reach = int(2.5 * pixels + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / max(pixels, 1e-6)) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((size, size), np.float64)
    rows = np.arange(size)
    for offset, weight in zip(offsets, weights, strict=True):
        np.add.at(matrix, (rows, np.clip(rows + offset, 0, size - 1)), weight)
    return matrix.astype(np.float32)


def blur(field: Field, sigma: float) -> Array:
    """Gaussian blur; `sigma` in coordinates, so that it means the same at every size.

    `field` is square, (size, size) or (size, size, channels).
    """
    size = field.shape[0]
    matrix = _blur_matrix(size, round(sigma * size / 2.0, 3))
    if field.ndim == 2:
        return np.asarray(matrix @ field @ matrix.T, np.float32)
    down = (matrix @ field.reshape(size, -1)).reshape(field.shape)
    return np.asarray(matrix @ down, np.float32)


def noise(rng: np.random.Generator, size: int, cells: int) -> Array:
    """Smooth noise of roughly -1..1 with `cells` features across the picture."""
    coarse = rng.uniform(-1.0, 1.0, (cells + 2, cells + 2)).astype(np.float32)
    margin = 1.0 / (cells + 2) * (cells + 2)
    image = Image.fromarray(coarse).resize(
        (size, size), Image.Resampling.BICUBIC, box=(margin * 0.5, margin * 0.5, cells + 1.5, cells + 1.5)
    )
    return np.asarray(image, np.float32)


def over(picture: Field, mask: Field, colour: npt.ArrayLike) -> Array:
    """`colour` (a triple or a picture) laid over `picture` where `mask` says so."""
    return (picture + mask[..., None] * (np.asarray(colour, np.float32) - picture)).astype(np.float32)


def multiply(picture: Field, mask: Field, ink: npt.ArrayLike) -> Array:
    """A transparent `ink` printed over `picture` with coverage `mask`."""
    return (picture * (1.0 - mask[..., None] * (1.0 - np.asarray(ink, np.float32)))).astype(np.float32)


def luminance(picture: Field) -> Array:
    """Perceived lightness of a picture, (size, size) in 0..1."""
    return np.asarray(picture @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def slope(field: Field) -> Array:
    """The length of the gradient of a field per coordinate unit."""
    gy, gx = np.gradient(field, 2.0 / field.shape[0])
    return np.asarray(np.sqrt(gx * gx + gy * gy), np.float32)


def to_bytes(picture: Field) -> npt.NDArray[np.uint8]:
    """A picture as uint8."""
    return np.asarray(np.clip(picture * 255.0 + 0.5, 0, 255), np.uint8)
