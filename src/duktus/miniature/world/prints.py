"""Printed media: risograph and linocut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from duktus.miniature.world import palette
from duktus.miniature.world.palette import rgb
from duktus.miniature.world.portrait import BackgroundColour, HairColour, Skin
from duktus.miniature.world.raster import UNIT, Array, blur, fill, multiply, noise, over, ramp
from duktus.miniature.world.scene import Scene, contours, feature_lines, flat, inks

_SPOT = {
    BackgroundColour.BLUE: rgb("3d7fe0"),
    BackgroundColour.GREEN: rgb("3fae63"),
    BackgroundColour.YELLOW: rgb("ffd92e"),
    BackgroundColour.PINK: rgb("ff86b4"),
    BackgroundColour.ORANGE: rgb("ff7a2e"),
    BackgroundColour.PURPLE: rgb("8050c0"),
    BackgroundColour.WHITE: rgb("f5f0e4"),
    BackgroundColour.GREY: rgb("8d8f96"),
}
_TONE = {Skin.PALE: 0.0, Skin.TAN: 0.36, Skin.BROWN: 0.68, Skin.DARK: 1.0}


def dots(scene: Scene, density: Array, period: float, angle: float) -> Array:
    """A halftone screen: round dots whose area follows `density` (0..1)."""
    c, s = np.cos(angle), np.sin(angle)
    p = (scene.x * c + scene.y * s) * (np.pi / period)
    q = (scene.y * c - scene.x * s) * (np.pi / period)
    screen = 0.5 + 0.25 * (np.cos(2.0 * p) + np.cos(2.0 * q))
    return ramp(-0.13, 0.13, (density + (screen - 1.0)).astype(np.float32))


def risograph(scene: Scene, rng: np.random.Generator) -> Array:
    """A few vivid inks on off-white paper, halftone dots for the tones, plates out of register."""
    ink, size = inks(scene), scene.size
    paper = rgb("f5f0e4")
    jump = max(1, round(1.6 * size / 128))
    shift = (int(rng.choice([-jump, jump])), int(rng.choice([-jump, jump])))
    shade = _TONE[scene.portrait.skin]
    plate_skin = palette.mix(rgb("ffdcc4"), rgb("a3552f"), shade)
    hair = {HairColour.BLACK: rgb("2a2c48")}.get(scene.portrait.hair_colour, palette.saturate(ink.hair, 1.35))
    colours = replace(
        ink,
        background=_SPOT[scene.portrait.background_colour],
        skin=plate_skin,
        hair=hair,
        clothes=palette.saturate(ink.clothes, 1.25),
    )
    plate = flat(scene, colours)
    plate = over(plate, scene.parts.lips * 0.9, rgb("f0506a"))
    plate = over(plate, np.maximum(scene.parts.white, scene.parts.teeth), paper)
    padded = np.pad(plate, ((jump, jump), (jump, jump), (0, 0)), mode="edge")
    plate = padded[jump + shift[0] :, jump + shift[1] :][:size, :size]
    skin = (
        np.maximum.reduce([scene.face, scene.neck, scene.ears])
        * (1.0 - scene.hair)
        * (1.0 - scene.clothes * (1 - scene.face))
    )
    tone = ramp(0.92, 0.35, blur(scene.light, 1.5 * UNIT))
    density = skin * (0.12 + 0.42 * tone) + (scene.hair + scene.clothes) * 0.30 * tone
    density = (
        np.clip(density, 0.0, 0.86) * scene.figure * (1.0 - np.maximum(scene.parts.white, scene.parts.teeth))
    )
    density = np.maximum(density, 0.16 * (1.0 - scene.figure) * ramp(-0.4, 1.0, scene.y))
    skin_ink = palette.mix(rgb("eda483"), rgb("7d3f42"), shade)
    angle = float(rng.choice([0.35, 0.6, 0.85]))
    screen = dots(scene, density.astype(np.float32), 7.0 * UNIT, angle)
    picture = multiply(plate, screen * skin * 0.85, skin_ink)
    picture = multiply(picture, screen * (1.0 - skin) * 0.55, rgb("39407a"))
    lines = np.maximum(contours(scene, 2.6 * UNIT), feature_lines(scene))
    lines = np.maximum(lines, scene.parts.iris)
    picture = multiply(picture, lines * 0.93, rgb("242a5c"))
    return over(picture, scene.parts.glint, paper)


def linocut(scene: Scene, rng: np.random.Generator) -> Array:
    """Black block print: bold carved lines that follow the light, one colour behind."""
    ink, size = inks(scene), scene.size
    paper, black = rgb("e9dfc8"), rgb("3c2f38")
    angle = float(rng.uniform(-0.5, 0.5))
    field = (
        scene.x * np.sin(angle)
        + scene.y * np.cos(angle)
        + 0.24 * blur(scene.height, 2.5 * UNIT)
        + 0.02 * noise(rng, size, 5)
    )
    wave = 0.5 + 0.5 * np.sin(field * (2.0 * np.pi / (13.0 * UNIT)))
    dark = {Skin.PALE: 0.0, Skin.TAN: 0.07, Skin.BROWN: 0.17, Skin.DARK: 0.27}[scene.portrait.skin]
    f = scene.parts
    halo = blur(np.maximum.reduce([f.white, f.lid, f.lips, f.gape, f.brow]), 2.5 * UNIT)
    tone = np.clip(
        ramp(0.90, 0.35, blur(scene.light, UNIT)) * 0.62 + dark - 0.9 * halo * scene.face, 0.0, 0.66
    )
    carved = ramp(-0.24, 0.24, (tone - wave).astype(np.float32))
    rays = np.arctan2(scene.y - scene.build.centre_y, scene.x) * 14.0
    rays = ramp(
        0.1,
        0.6,
        np.sin(rays + 0.8 * noise(rng, size, 3))
        * fill(0.12 - np.minimum.reduce([scene.shapes.hair, scene.shapes.face, scene.shapes.clothes])),
    )
    spot = _SPOT[scene.portrait.background_colour]
    picture = np.broadcast_to(spot, (size, size, 3)).astype(np.float32)
    picture = over(picture, rays * 0.9, paper)
    colours = replace(ink, skin=paper)
    hair_band = ramp(
        0.5,
        0.9,
        0.5 + 0.5 * np.sin((scene.shapes.u * 1.2 - 0.4 * scene.shapes.v**2) * (2.0 * np.pi / (13.0 * UNIT))),
    )
    body = flat(scene, colours)
    picture = over(picture, scene.figure, body)
    skin = np.maximum.reduce([scene.face, scene.neck, scene.ears]) * (1.0 - scene.hair)
    picture = over(picture, carved * np.maximum(skin, scene.clothes * (1.0 - scene.hair)), black)
    picture = over(picture, hair_band * scene.hair, black)
    f = scene.parts
    picture = over(picture, np.maximum(f.white, f.teeth), paper)
    lines = np.maximum.reduce(
        [contours(scene, 4.5 * UNIT), feature_lines(scene), f.iris, f.lips * 0.9 * (1.0 - f.teeth)]
    )
    return over(over(picture, lines, black), f.glint, paper)
