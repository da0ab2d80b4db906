"""Dry media: coloured pencil and charcoal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from duktus.miniature.world import palette
from duktus.miniature.world.palette import rgb
from duktus.miniature.world.raster import UNIT, Array, blur, noise, over, ramp
from duktus.miniature.world.scene import Scene, contours, feature_lines, flat, inks


def hatch(scene: Scene, rng: np.random.Generator, period: float, angle: float, warp: float) -> Array:
    """Parallel strokes that follow the relief, 0..1; `period` in coordinates."""
    direction = scene.x * np.cos(angle) + scene.y * np.sin(angle)
    field = direction + warp * blur(scene.height, 3.0 * UNIT) + 0.02 * noise(rng, scene.size, 5)
    return np.asarray(0.5 + 0.5 * np.sin(field * (2.0 * np.pi / period)), np.float32)


def pencil(scene: Scene, rng: np.random.Generator) -> Array:
    """Graphite on warm paper with coloured-pencil tint and hatching along the form."""
    ink, size = inks(scene), scene.size
    paper = rgb("f4ecdc")
    tint = palette.saturate(flat(scene, ink), 1.1)
    angle = float(rng.uniform(0.5, 1.0)) * float(rng.choice([-1.0, 1.0]))
    first = hatch(scene, rng, 7.5 * UNIT, angle, 0.22)
    pressure = 0.66 + 0.13 * first + 0.05 * noise(rng, size, 10)
    edge = 1.0 - ramp(
        0.80, 1.0, np.maximum(np.abs(scene.x), np.abs(scene.y)) + 0.05 * noise(rng, size, 12)
    ) * (1.0 - scene.figure)
    picture = paper * (1.0 - (pressure * edge)[..., None] * (1.0 - tint))
    dark = ramp(0.86, 0.50, scene.light) * scene.figure
    second = hatch(scene, rng, 7.0 * UNIT, -angle, 0.28)
    graphite = rgb("38363c")
    picture = over(picture, dark * ramp(0.25, 0.75, second) * 0.40, graphite)
    f = scene.parts
    picture = over(picture, f.beard * scene.face * (0.35 + 0.4 * first), palette.mix(ink.hair, graphite, 0.3))
    picture = over(picture, f.lips * 0.55, ink.lips)
    picture = over(picture, np.maximum(f.white, f.teeth), paper * 1.02)
    picture = over(picture, f.iris * 0.75, palette.mix(ink.iris, graphite, 0.35))
    loose = contours(scene, 2.3 * UNIT) * (0.80 + 0.20 * noise(rng, size, 8))
    lines = np.maximum(loose * 0.85, feature_lines(scene) * 0.92)
    picture = over(picture, np.clip(lines, 0.0, 1.0), graphite)
    return over(picture, f.glint, paper)


def charcoal(scene: Scene, rng: np.random.Generator) -> Array:
    """Toned paper in the background colour, black smudges, chalk tints and chalk lights."""
    ink, size = inks(scene), scene.size
    tone = palette.mix(palette.saturate(ink.background, 0.62), rgb("b9ab98"), 0.12) * 0.92
    grain = 1.0 + 0.03 * noise(rng, size, 20)
    paper = np.asarray(tone * grain[..., None], np.float32)
    black, chalk = rgb("1d1a1b"), rgb("f8f3e8")
    colours = replace(ink, skin=palette.saturate(ink.skin, 0.75))
    body = flat(scene, colours, paper)
    rub = 0.78 + 0.12 * noise(rng, size, 6)
    skin = np.maximum.reduce([scene.face, scene.neck, scene.ears])
    cover = np.maximum.reduce([skin * 0.84, scene.hair * 0.94, scene.clothes * 0.88]) * rub / 0.78
    picture = over(paper, np.clip(cover, 0.0, 0.95), body)
    shadow = ramp(0.76, 0.32, blur(scene.light, 1.5 * UNIT)) * scene.figure
    picture = over(picture, shadow * 0.58, black)
    smudge = (
        blur(scene.figure, 8.0 * UNIT) * (1.0 - scene.figure) * np.clip(0.4 + noise(rng, size, 4), 0.0, 1.0)
    )
    picture = over(picture, smudge * 0.45, black)
    lights = (
        ramp(0.78, 0.98, scene.light)
        * np.maximum(scene.face, scene.hair * 0.4)
        * (0.9 + 0.2 * noise(rng, size, 14))
    )
    picture = over(picture, np.clip(lights, 0.0, 1.0) * 0.62, chalk)
    f = scene.parts
    picture = over(picture, f.beard * scene.face * 0.8, palette.mix(ink.hair, black, 0.35))
    picture = over(picture, f.lips * 0.6, palette.mix(ink.lips, black, 0.35))
    picture = over(picture, np.maximum(f.white, f.teeth) * 0.95, chalk)
    picture = over(picture, f.iris * 0.85, palette.mix(black, ink.iris, 0.3))
    thick = np.clip(contours(scene, 4.2 * UNIT) * (0.75 + 0.45 * noise(rng, size, 7)), 0.0, 1.0)
    soft = blur(np.maximum(thick, feature_lines(scene)), 0.55 * UNIT)
    picture = over(picture, np.clip(soft * 1.1, 0.0, 0.97), black)
    return over(picture, f.glint, chalk)
