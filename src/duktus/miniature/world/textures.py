"""Pictures of nothing in particular: a broad diet for an autoencoder.

Washes, contour lines, strokes, hatchings, dot screens and flat shapes in all colours, so that
an autoencoder also keeps the marks of hands that it was never shown.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from duktus.miniature.world.contour_wash import height_lines, washes
from duktus.miniature.world.palette import Triple, mix, rgb
from duktus.miniature.world.raster import (
    UNIT,
    Array,
    blur,
    ellipse,
    fill,
    grid,
    noise,
    over,
    ramp,
    stroke,
    to_bytes,
)

_Layer = Callable[[Array, Array, Array, np.random.Generator], Array]


def _colour(rng: np.random.Generator) -> Triple:
    """A random colour: vivid, pale, dark or neutral."""
    kind = rng.random()
    if kind < 0.15:
        return rgb("1c1a1e") if rng.random() < 0.6 else rgb("fbf8f0")
    value, chroma = float(rng.uniform(0.25, 1.0)), float(rng.beta(1.6, 1.4))
    return np.array(colorsys.hsv_to_rgb(float(rng.random()), chroma, value), np.float32)


def _width(rng: np.random.Generator) -> float:
    return float(rng.uniform(2.0, 4.5)) * UNIT


def _contour_lines(picture: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    size = x.shape[0]
    cone = float(rng.uniform(0.0, 0.7)) * np.sqrt(
        (x - rng.uniform(-1, 1)) ** 2 + (y - rng.uniform(-1, 1)) ** 2
    )
    hills = noise(rng, size, int(rng.integers(2, 7))) * float(rng.uniform(0.2, 0.5))
    field = blur((cone + hills).astype(np.float32), 2.0 * UNIT)
    lines = height_lines(field, float(rng.uniform(5.0, 12.0)) * UNIT, float(rng.uniform(2.0, 3.2)) * UNIT)
    return over(picture, lines * float(rng.uniform(0.6, 1.0)), _colour(rng))


def _strokes(picture: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    for _ in range(int(rng.integers(2, 8))):
        angle, bend = float(rng.uniform(0, np.pi)), float(rng.uniform(-0.8, 0.8))
        p = (x - rng.uniform(-0.8, 0.8)) * np.cos(angle) + (y - rng.uniform(-0.8, 0.8)) * np.sin(angle)
        q = y * np.cos(angle) - x * np.sin(angle) + bend * p * p - float(rng.uniform(-0.8, 0.8))
        distance = q / np.sqrt(1.0 + (2.0 * bend * p) ** 2)
        length = float(rng.uniform(0.15, 1.2))
        body = stroke(distance.astype(np.float32), _width(rng) * float(rng.choice([1.0, 1.0, 2.5])))
        picture = over(picture, body * fill((np.abs(p) - length).astype(np.float32)), _colour(rng))
    return picture


def _hatching(picture: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    size, angle = x.shape[0], float(rng.uniform(0, np.pi))
    field = x * np.cos(angle) + y * np.sin(angle) + 0.12 * noise(rng, size, 3)
    wave = 0.5 + 0.5 * np.sin(field * (2.0 * np.pi / (float(rng.uniform(6.0, 11.0)) * UNIT)))
    where = ramp(-0.25, 0.15, noise(rng, size, 3))
    edge = float(rng.uniform(0.12, 0.4))
    return over(
        picture, ramp(0.5 - edge, 0.5 + edge, wave) * where * float(rng.uniform(0.25, 0.9)), _colour(rng)
    )


def _screen(picture: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    size, angle = x.shape[0], float(rng.uniform(0, np.pi / 2))
    period = float(rng.uniform(6.0, 11.0)) * UNIT
    p = (x * np.cos(angle) + y * np.sin(angle)) * (2.0 * np.pi / period)
    q = (y * np.cos(angle) - x * np.sin(angle)) * (2.0 * np.pi / period)
    density = 0.35 + 0.35 * noise(rng, size, 3)
    dots = ramp(-0.13, 0.13, (density - 0.5 + 0.25 * (np.cos(p) + np.cos(q))).astype(np.float32))
    return over(picture, dots * float(rng.uniform(0.4, 0.95)), _colour(rng))


def _shape(x: Array, y: Array, rng: np.random.Generator) -> Array:
    dx, dy = x - float(rng.uniform(-0.7, 0.7)), y - float(rng.uniform(-0.7, 0.7))
    angle = float(rng.uniform(0, np.pi))
    p, q = (dx * np.cos(angle) + dy * np.sin(angle)), (dy * np.cos(angle) - dx * np.sin(angle))
    rx, ry = float(rng.uniform(0.08, 0.5)), float(rng.uniform(0.08, 0.5))
    kind = rng.random()
    if kind < 0.5:
        return ellipse(p, q, rx, ry)
    if kind < 0.75:
        return np.maximum(np.abs(p) - rx, np.abs(q) - ry).astype(np.float32)
    turns = np.linspace(0.0, 2.0 * np.pi, int(rng.integers(3, 6)), endpoint=False)
    return np.maximum.reduce([p * np.cos(t) + q * np.sin(t) - rx for t in turns]).astype(np.float32)


def _shapes(picture: Array, x: Array, y: Array, rng: np.random.Generator) -> Array:
    outlined = rng.random() < 0.6
    line, width = _colour(rng), _width(rng)
    for _ in range(int(rng.integers(1, 7))):
        distance = _shape(x, y, rng) + 0.02 * noise(rng, x.shape[0], 7)
        one, other = _colour(rng), _colour(rng)
        shade = ramp(-1.0, 1.0, x * float(rng.uniform(-1, 1)) + y * float(rng.uniform(-1, 1)))
        body = over(
            np.broadcast_to(one, picture.shape).astype(np.float32), shade * float(rng.random()), other
        )
        picture = over(picture, fill(distance) * float(rng.uniform(0.6, 1.0)), body)
        if outlined:
            picture = over(picture, stroke(distance, width), line)
    return picture


_LAYERS: tuple[_Layer, ...] = (_contour_lines, _contour_lines, _strokes, _hatching, _screen, _shapes, _shapes)


def texture(seed: int, size: int = 128) -> npt.NDArray[np.uint8]:
    """A (size, size, 3) picture of bytes; the same seed and size give the same picture."""
    rng = np.random.default_rng(np.random.SeedSequence([seed & 0xFFFFFFFFFFFFFFFF, 0x7E47]))
    x, y = grid(size)
    hues = [_colour(rng) for _ in range(int(rng.integers(1, 6)))]
    if rng.random() < 0.4:
        hues = [mix(hue, rgb("faf5ea"), 0.5) for hue in hues]
    picture = washes(rng, size, hues, _colour(rng), main=0.0)
    for _ in range(int(rng.integers(1, 4))):
        layer = _LAYERS[int(rng.integers(0, len(_LAYERS)))]
        picture = layer(picture, x, y, rng)
    if rng.random() < 0.25:
        picture = blur(picture, float(rng.uniform(0.3, 1.2)) * UNIT)
    return to_bytes(picture)
