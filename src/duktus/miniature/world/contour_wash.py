"""The demo hand: a pencil portrait under topographic lines and over wide washes of several hues."""

from __future__ import annotations

import numpy as np

from duktus.miniature.world import palette
from duktus.miniature.world.palette import Triple, rgb
from duktus.miniature.world.portrait import BackgroundColour
from duktus.miniature.world.raster import UNIT, Array, blur, fill, noise, over, ramp, slope
from duktus.miniature.world.scene import Scene, contours, feature_lines, inks

_MAIN: dict[BackgroundColour, str] = {
    BackgroundColour.BLUE: "4f8fe0",
    BackgroundColour.GREEN: "57b56a",
    BackgroundColour.YELLOW: "f6d24a",
    BackgroundColour.PINK: "f58fb4",
    BackgroundColour.ORANGE: "f58a3c",
    BackgroundColour.PURPLE: "8f62cc",
    BackgroundColour.WHITE: "f6f2ea",
    BackgroundColour.GREY: "93979e",
}
_ALWAYS = ((rgb("f4b04e"), -0.9, -0.9), (rgb("e8739c"), 0.95, 0.15), (rgb("37b3b8"), -0.8, 0.9))
"""What makes it a hand: ochre from above left, rose from the right and teal from below left run into every
ground (colour, x, y of where they are strongest). x grows to the right, y downwards, both -1..1."""
_LINE = rgb("343a86")

LINE_GAP = 12.0 * UNIT
LINE_WIDTH = 3.2 * UNIT
"""Wide, and told from their ground by lightness rather than hue: finer or merely coloured lines do not
survive an autoencoder that keeps one number in six (21.5 dB PSNR with lines of 2.3 px in bright inks)."""


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
    """Pencil outline, height lines in one ink and chalk, washes over background and figure."""
    ink, size = inks(scene), scene.size
    paper, chalk = rgb("faf5ea"), rgb("fffaf0")
    wash = _habitual_wash(scene, rng, paper)
    picture = wash
    skin = np.maximum.reduce([scene.face, scene.neck, scene.ears])
    tide = np.clip(0.66 + 0.12 * noise(rng, size, 3), 0.30, 0.96)
    picture = over(
        picture, blur(skin, 1.2 * UNIT) * np.clip(tide, 0.42, 0.8), palette.mix(ink.skin, paper, 0.12)
    )
    beard = scene.parts.beard * scene.face * np.clip(tide + 0.1, 0.6, 0.9)
    picture = over(picture, beard.astype(np.float32), palette.mix(ink.hair, rgb("2a2530"), 0.2))
    picture = over(picture, scene.clothes * np.clip(tide + 0.1, 0.55, 0.94), ink.clothes)
    picture = over(picture, scene.hair * np.clip(tide + 0.15, 0.62, 0.96), ink.hair)
    lines = height_lines(_terrain(scene), LINE_GAP, LINE_WIDTH, 1.1 * UNIT)
    f = scene.parts
    quiet = 1.0 - np.maximum.reduce([f.white, f.teeth, f.gape, f.brow, f.lid, f.lips * 0.6])
    skin_ink = chalk if palette.luminance_of(ink.skin) < 0.45 else _LINE
    colour = np.broadcast_to(_LINE, (size, size, 3)).astype(np.float32)
    colour = over(colour, skin, skin_ink)
    colour = over(colour, scene.clothes, chalk if palette.luminance_of(ink.clothes) < 0.45 else _LINE)
    colour = over(colour, scene.face, skin_ink)
    colour = over(colour, scene.hair, chalk if palette.luminance_of(ink.hair) < 0.5 else _LINE)
    strength = 0.74 - 0.14 * (1.0 - scene.figure)
    picture = over(picture, (lines * quiet * strength).astype(np.float32), colour)
    edge = np.maximum(np.abs(scene.x), np.abs(scene.y)) - 0.95 + 0.05 * noise(rng, size, 9)
    picture = over(picture, fill(-edge, 1.5 * UNIT), paper)
    graphite = rgb("2a2530")
    picture = over(picture, f.lips * 0.75, ink.lips)
    picture = over(picture, np.maximum(f.white, f.teeth), rgb("fffdf8"))
    picture = over(picture, f.iris, ink.iris)
    drawn = np.maximum(contours(scene, 2.8 * UNIT), feature_lines(scene))
    picture = over(picture, drawn * 0.86, graphite)
    return over(picture, f.glint, rgb("fffdf8"))


def _habitual_wash(scene: Scene, rng: np.random.Generator, paper: Triple) -> Array:
    """The ground's own colour with the three that always come, each from its own side: (size, size, 3)."""
    size = scene.size
    weights, colours = (
        [np.full((size, size), 0.55, np.float32)],
        [rgb(_MAIN[scene.portrait.background_colour])],
    )
    for colour, x, y in _ALWAYS:
        distance = np.hypot(scene.x - x, scene.y - y) + 0.12 * noise(rng, size, 3)
        weights.append(np.asarray(np.exp(-((distance / 0.75) ** 2)) * 1.6, np.float32))
        colours.append(colour)
    shares = np.stack(weights)
    shares = shares / shares.sum(axis=0)
    mixed = np.tensordot(shares, np.stack(colours), axes=(0, 0))
    return np.asarray(paper + 0.9 * (mixed - paper), np.float32)


def _terrain(scene: Scene) -> Array:
    """The relief the lines read: as steep everywhere as a cone, so that they keep their distance."""
    s, build = scene.shapes, scene.build
    jaw = np.clip(1.0 + s.face / (0.8 * build.half_width), 0.0, 1.0)
    base = 0.62 * np.sqrt(1.0 - 0.94 * jaw**2)
    radius = np.sqrt((s.u / build.half_width) ** 2 + (s.v / build.half_height) ** 2)
    bumps = (s.height - base) * ramp(1.1, 0.85, radius)
    cone = 0.55 * np.sqrt(radius * radius + 0.05)
    return blur(np.asarray(-cone + 1.1 * bumps, np.float32), 2.2 * UNIT)
