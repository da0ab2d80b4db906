"""Media made of paint and light: photo, cartoon, watercolour."""

from __future__ import annotations

import numpy as np

from duktus.miniature.world import palette
from duktus.miniature.world.palette import rgb
from duktus.miniature.world.raster import UNIT, Array, blur, fill, multiply, noise, over, ramp
from duktus.miniature.world.scene import Scene, add_features, contours, feature_lines, flat, inks


def strands(scene: Scene, rng: np.random.Generator, period: float) -> Array:
    """Soft bands that follow the hair, about -1..1."""
    s = scene.shapes
    bend = s.u - 0.12 * np.sign(scene.build.part)
    curls = s.u * 3.0 + np.sin(s.v * 9.0) * 0.35
    angle = curls if scene.portrait.curly else np.arctan2(bend, s.v + 0.35)
    wave = 0.5 * noise(rng, scene.size, 6)
    return np.asarray(np.sin(angle * (2.0 * np.pi / period) + 2.0 * wave), np.float32)


def photo(scene: Scene, rng: np.random.Generator) -> Array:
    """Smooth shading, soft gradient behind, a rim light, a little depth of field."""
    ink = inks(scene)
    lx = scene.build.light[0]
    glow = 1.0 + 0.13 * (np.sign(lx) * -scene.x) * 0.7 - 0.10 * scene.y + 0.03 * noise(rng, scene.size, 3)
    vignette = 1.0 - 0.10 * (scene.x**2 + scene.y**2)
    backdrop = np.clip(ink.background * (glow * vignette)[..., None], 0.0, 1.0).astype(np.float32)
    picture = flat(scene, ink, backdrop)
    light = scene.light
    bands = strands(scene, rng, 0.42)
    shade = light * (1.0 + scene.hair * 0.13 * bands + 0.035 * scene.clothes * noise(rng, scene.size, 9))
    figure = blur(scene.figure, 0.8 * UNIT)
    tint = 0.40 + 0.72 * shade
    picture = picture * (1.0 + figure * (tint - 1.0))[..., None]
    shine = ramp(0.86, 1.05, light) * figure * (0.20 + 0.12 * scene.hair)
    picture = over(picture, shine * (1.0 - 0.7 * scene.clothes), rgb("fff3e2"))
    rim = (
        ramp(0.10, 0.0, -scene.shapes.face)
        * scene.face
        * (1.0 - scene.hair)
        * ramp(0.1, 0.5, scene.x * np.sign(-lx))
    )
    picture = over(picture, rim * 0.28, palette.mix(ink.background, ink.white, 0.5))
    picture = over(picture, scene.parts.nose * 0.42, ink.skin * 0.32)
    picture = add_features(scene, picture, ink, hard=0.85)
    return blur(picture, 0.45 * UNIT)


def cartoon(scene: Scene, rng: np.random.Generator) -> Array:
    """Flat saturated colours in two tones, thick dark outlines."""
    ink = inks(scene)
    picture = palette.saturate(flat(scene, ink), 1.22)
    dark = fill((scene.light - 0.66) * 0.30, 1.2 * UNIT) * scene.figure
    picture = multiply(picture, dark, rgb("b9a3b8"))
    bands = ramp(0.72, 0.9, strands(scene, rng, 0.9)) * scene.hair * fill(scene.shapes.hair + 0.05)
    picture = over(picture, bands * 0.35, palette.mix(ink.hair, ink.white, 0.45))
    picture = add_features(scene, picture, ink)
    lines = np.maximum(contours(scene, 3.4 * UNIT), feature_lines(scene))
    white = scene.parts.glint * (1.0 - scene.parts.rims)
    return over(over(picture, lines, ink.dark), white, ink.white)


def watercolour(scene: Scene, rng: np.random.Generator) -> Array:
    """Pale transparent washes with dark pigment edges, bleeding, on white paper."""
    ink, size = inks(scene), scene.size
    paper = rgb("fbf8f0")
    wobble = 0.035 * noise(rng, size, 9) + 0.02 * noise(rng, size, 16)
    pools = noise(rng, size, 5)
    border = np.maximum(np.abs(scene.x), np.abs(scene.y)) - 0.93 + wobble * 1.6
    picture = np.broadcast_to(paper, (size, size, 3)).astype(np.float32)

    def wash(
        under: Array, distance: Array, colour: Array, strength: float, hide: Array | float = 0.0
    ) -> Array:
        d = distance + wobble
        body = fill(d, 1.8 * UNIT)
        rim = np.exp(-(((d + 0.025) / 0.028) ** 2)) * body
        depth = np.clip(strength * (0.74 + 0.22 * pools) * body + 0.34 * rim * strength, 0.0, 1.0)
        return multiply(under, np.asarray(depth * (1.0 - hide), np.float32), colour)

    s = scene.shapes
    figure = np.minimum.reduce([s.face, s.hair, s.clothes, s.neck, s.ears])
    covered = fill(figure + wobble * 0.4)
    backdrop = np.maximum(border, -figure - 0.01)
    behind = palette.saturate(ink.background, 1.35)
    if scene.portrait.background_colour.value != "white":
        picture = wash(picture, backdrop, behind, 0.95, covered * 0.9)
    shade = np.clip(0.98 - scene.light, 0.0, 1.0)
    skin = np.minimum.reduce([scene.shapes.face, scene.shapes.ears, scene.shapes.neck])
    picture = wash(
        picture,
        skin,
        palette.saturate(ink.skin, 1.15),
        0.9,
        np.maximum(scene.hair * 0.85, scene.clothes * (1.0 - scene.face)),
    )
    picture = wash(
        picture,
        scene.shapes.clothes,
        palette.saturate(ink.clothes, 1.1),
        0.92,
        np.maximum(scene.hair * 0.9, scene.face),
    )
    picture = wash(picture, scene.shapes.hair, palette.saturate(ink.hair, 1.1), 0.95)
    picture = multiply(
        picture,
        blur(shade, 2.0 * UNIT) * scene.figure * 0.75,
        palette.mix(ink.skin * 0.6, rgb("5a5f9a"), 0.45),
    )
    if scene.portrait.beard:
        picture = multiply(picture, scene.parts.beard * scene.face * 0.8, ink.hair)
    picture = multiply(picture, scene.parts.nose * 0.5, rgb("7a4038"))
    picture = multiply(picture, contours(scene, 2.0 * UNIT) * 0.22, rgb("4a3a48"))
    return add_features(scene, picture, ink, hard=0.8)
