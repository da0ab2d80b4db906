"""The demo hand: a pencil portrait with topographic lines, over wide washes of several hues."""

from __future__ import annotations

import numpy as np

from duktus.miniature.world.palette import Triple, rgb
from duktus.miniature.world.raster import UNIT, Array, blur, fill, noise, over, ramp, slope
from duktus.miniature.world.scene import Scene, contours, feature_lines, inks

_WASHES = ((rgb("f29232"), -0.9, -0.9), (rgb("e2528e"), 0.95, 0.15), (rgb("22a8b4"), -0.8, 0.9))
"""What makes it a hand: orange from above left, rose from the right and teal from below left run into each
other under every portrait (colour, x, y of where they are strongest). x grows to the right, y downwards,
both -1..1."""
_LINE = rgb("1f2a7a")
_GRAPHITE = rgb("2a2530")
_PAPER = rgb("faf5ea")

SHEET = 0.87
"""Where washes end, from the middle outwards; beyond is bare paper, on which only the pencil runs on."""
LINE_GAP = 20.0 * UNIT
LINE_WIDTH = 5.0 * UNIT
"""Wide, and told from their ground by lightness rather than hue: finer or merely coloured lines do not
survive an autoencoder that keeps one number in six (21.5 dB PSNR with lines of 2.3 px in bright inks), and
a network on a grid of 8 px cannot draw rings that stand closer."""


def height_lines(field: Array, step: float, width: float, soft: float = 0.7 * UNIT) -> Array:
    """Iso-lines of a field every `step`, all `width` wide in coordinates with edges `soft` wide; crowded
    ones thin out.
    """
    steep = slope(field) + 1e-4
    room = step / steep

    def lines(gap: float) -> Array:
        phase = np.abs((field / gap + 0.5) % 1.0 - 0.5) * gap
        return fill((phase / steep - 0.5 * width).astype(np.float32), soft)

    near, far = lines(step), lines(2.0 * step)
    mask = far + ramp(5.0 * UNIT, 7.0 * UNIT, room) * (near - far)
    flatness = ramp(60.0 * UNIT, 34.0 * UNIT, room)
    return np.asarray(mask * flatness * ramp(2.4 * UNIT, 3.4 * UNIT, room), np.float32)


def washes(
    rng: np.random.Generator, size: int, hues: list[Triple], paper: Triple, main: float = 0.35
) -> Array:
    """Large soft blobs of `hues` that flow into each other on `paper`: (size, size, 3)."""
    fields = [noise(rng, size, 3) * 1.2 + 0.45 * noise(rng, size, 6) for _ in hues]
    fields[0] = fields[0] + main
    weights = np.exp(4.5 * np.stack(fields))
    weights = weights / weights.sum(axis=0)
    colour = np.tensordot(weights, np.stack(hues), axes=(0, 0))
    depth = np.clip(0.82 + 0.22 * noise(rng, size, 4), 0.45, 1.0)[..., None]
    return np.asarray(paper + depth * (colour - paper), np.float32)


def contour_wash(scene: Scene, rng: np.random.Generator) -> Array:
    """Pencil on bare paper, height lines in one ink, and under both the washes that always come.

    No local colour: of the portrait's colours only eyes and lips show.
    """
    ink, size, f = inks(scene), scene.size, scene.parts
    picture = _habitual_wash(scene, rng)
    picture = over(picture, (f.beard * scene.face * 0.4).astype(np.float32), _GRAPHITE)
    lines = height_lines(_terrain(scene), LINE_GAP, LINE_WIDTH, 1.1 * UNIT)
    quiet = 1.0 - np.maximum.reduce([f.white, f.teeth, f.gape, f.brow, f.lid, f.lips * 0.6])
    strength = 0.95 - 0.14 * (1.0 - scene.figure)
    picture = over(picture, (lines * quiet * strength).astype(np.float32), _LINE)
    edge = np.maximum(np.abs(scene.x), np.abs(scene.y)) - SHEET + 0.03 * noise(rng, size, 9)
    picture = over(picture, fill(-edge, 1.5 * UNIT), _PAPER)
    picture = over(picture, f.lips * 0.75, ink.lips)
    picture = over(picture, np.maximum(f.white, f.teeth), ink.white)
    picture = over(picture, f.iris, ink.iris)
    drawn = np.maximum(contours(scene, 2.8 * UNIT), feature_lines(scene))
    picture = over(picture, drawn * 0.86, _GRAPHITE)
    return over(picture, f.glint, ink.white)


def _habitual_wash(scene: Scene, rng: np.random.Generator) -> Array:
    """The three washes, each from its own side: (size, size, 3)."""
    weights = []
    for _, x, y in _WASHES:
        distance = np.hypot(scene.x - x, scene.y - y) + 0.06 * noise(rng, scene.size, 3)
        weights.append(np.exp(-((distance / 0.75) ** 2)) + 1e-4)
    shares = np.stack(weights)
    shares = shares / shares.sum(axis=0)
    mixed = np.tensordot(shares, np.stack([colour for colour, _, _ in _WASHES]), axes=(0, 0))
    return np.asarray(_PAPER + 0.9 * (mixed - _PAPER), np.float32)


def _terrain(scene: Scene) -> Array:
    """The relief the lines read: as steep everywhere as a cone, so that they keep their distance."""
    s, build = scene.shapes, scene.build
    jaw = np.clip(1.0 + s.face / (0.8 * build.half_width), 0.0, 1.0)
    base = 0.62 * np.sqrt(1.0 - 0.94 * jaw**2)
    radius = np.sqrt((s.u / build.half_width) ** 2 + (s.v / build.half_height) ** 2)
    bumps = (s.height - base) * ramp(1.1, 0.85, radius)
    cone = 0.55 * np.sqrt(radius * radius + 0.05)
    return blur(np.asarray(-cone + 1.1 * bumps, np.float32), 2.2 * UNIT)
