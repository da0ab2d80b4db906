"""One portrait laid out for any medium: coverage, light, lines and flat colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duktus.miniature.world import palette
from duktus.miniature.world.features import Features, features
from duktus.miniature.world.head import Build, Shapes, sample_build, shapes
from duktus.miniature.world.palette import Triple
from duktus.miniature.world.portrait import Portrait
from duktus.miniature.world.raster import UNIT, Array, blur, fill, grid, over, stroke


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours one medium uses for the parts of a portrait."""

    background: Triple
    hair: Triple
    skin: Triple
    lips: Triple
    clothes: Triple
    iris: Triple
    dark: Triple
    white: Triple


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything the media need; masks and fields are (size, size) float32.

    `skin`, `hair`, `clothes` and `figure` are coverages; `light` is the shading in about 0..1.2
    (0.75 is plain), `height` the relief of face, hair and body together.
    """

    portrait: Portrait
    build: Build
    size: int
    x: Array
    y: Array
    shapes: Shapes
    parts: Features
    face: Array
    ears: Array
    neck: Array
    clothes: Array
    hair: Array
    figure: Array
    height: Array
    light: Array


def build_scene(portrait: Portrait, rng: np.random.Generator, size: int) -> Scene:
    """The scene of a portrait; `rng` decides the geometry and the light."""
    build = sample_build(portrait, rng)
    x, y = grid(size)
    s = shapes(build, portrait, x, y)
    parts = features(build, portrait, s)
    face, ears, neck = fill(s.face), fill(s.ears), fill(s.neck)
    clothes, hair = fill(s.clothes), fill(s.hair)
    figure = np.maximum.reduce([face, ears, neck, clothes, hair])
    height = _relief(s, build)
    return Scene(
        portrait,
        build,
        size,
        x,
        y,
        s,
        parts,
        face,
        ears,
        neck,
        clothes,
        hair,
        figure,
        height,
        _light(height, build, face, hair),
    )


def _relief(s: Shapes, build: Build) -> Array:
    face, hair, clothes, neck = fill(s.face), fill(s.hair), fill(s.clothes), fill(s.neck)
    body = 0.16 * np.sqrt(np.clip(1.0 - s.u * s.u * 0.8, 0.0, 1.0))
    column = 0.14 * np.sqrt(np.clip(1.0 - (s.u / (build.half_width * 0.62)) ** 2, 0.0, 1.0))
    dome = 0.66 * np.sqrt(np.clip(1.0 - (s.u / 0.78) ** 2 - ((s.v + 0.05) / 0.9) ** 2, 0.0, 1.0))
    thick = np.minimum(-s.hair, 0.09)
    z = neck * column
    z = z + clothes * (body - z)
    z = z + face * (s.height - z)
    z = z + hair * (dome + 0.9 * thick - z)
    return np.asarray(z, np.float32)


def _light(height: Array, build: Build, face: Array, hair: Array) -> Array:
    size = height.shape[0]
    soft = blur(height, 1.3 * UNIT)
    gy, gx = np.gradient(soft, 2.0 / size)
    lx, ly, lz = build.light
    length = np.sqrt(gx * gx + gy * gy + 0.42)
    norm = float(np.sqrt(lx * lx + ly * ly + lz * lz))
    lambert = (-gx * lx - gy * ly + 0.65 * lz) / (length * norm)
    light = 0.36 + 0.66 * np.clip(lambert, -0.25, 1.0)
    chin = blur(face, 4.0 * UNIT)
    shadow = np.clip(np.roll(chin, int(0.05 * size), axis=0) - face, 0.0, 1.0) * (1.0 - hair)
    return np.asarray(light * (1.0 - 0.38 * shadow), np.float32)


def inks(scene: Scene) -> Inks:
    """The natural colours of a portrait."""
    p = scene.portrait
    return Inks(
        background=palette.BACKGROUND[p.background_colour],
        hair=palette.HAIR[p.hair_colour],
        skin=palette.SKIN[p.skin],
        lips=palette.LIPS[p.skin],
        clothes=palette.CLOTHES[p.clothes_colour],
        iris=palette.IRIS[scene.build.iris],
        dark=palette.rgb("1b1719"),
        white=palette.rgb("fbfaf6"),
    )


def flat(scene: Scene, colours: Inks, background: Array | None = None) -> Array:
    """The large shapes in flat colours, without the features: (size, size, 3)."""
    size = scene.size
    picture = np.broadcast_to(colours.background, (size, size, 3)) if background is None else background
    picture = over(picture, scene.neck, colours.skin * 0.93)
    picture = over(picture, scene.clothes, colours.clothes)
    picture = over(picture, scene.ears, colours.skin * 0.95)
    picture = over(picture, scene.face, colours.skin)
    picture = over(picture, scene.parts.beard * scene.face, palette.mix(colours.hair, colours.dark, 0.2))
    return over(picture, scene.hair, colours.hair)


def add_features(scene: Scene, picture: Array, colours: Inks, hard: float = 1.0) -> Array:
    """Eyes, brows, mouth, glasses and earrings over a picture; `hard` scales their contrast."""
    f = scene.parts
    picture = over(picture, f.blush * 0.16 * scene.face, colours.lips)
    picture = over(picture, f.lips * 0.92 * hard, colours.lips)
    picture = over(picture, f.gape, palette.rgb("4a1a1e"))
    picture = over(picture, f.teeth * 0.96, colours.white)
    picture = over(
        picture, f.mouth_line * 0.75 * hard * (1.0 - f.teeth), palette.mix(colours.lips, colours.dark, 0.75)
    )
    picture = over(picture, f.white, colours.white)
    picture = over(picture, f.iris, colours.iris)
    picture = over(picture, f.pupil, colours.dark)
    picture = over(picture, f.crease * 0.4 * hard, palette.mix(colours.skin, colours.dark, 0.6))
    picture = over(picture, f.lid * hard, colours.dark)
    picture = over(picture, f.glint, colours.white)
    brow = palette.mix(colours.hair, colours.dark, 0.45)
    picture = over(picture, f.brow * 0.95, brow)
    picture = over(picture, f.lens * 0.10, colours.white)
    picture = over(picture, f.rims, colours.dark)
    return over(picture, f.earring, palette.rgb("f2b52c"))


def contours(scene: Scene, width: float) -> Array:
    """The outlines of the large shapes as a mask, hidden parts left out; `width` in coordinates."""
    s = scene.shapes
    not_hair, not_face = 1.0 - fill(s.hair + width * 0.3), 1.0 - fill(s.face + width * 0.3)
    not_clothes = 1.0 - fill(s.clothes + width * 0.3)
    hair = stroke(s.hair, width)
    face = stroke(s.face, width) * not_hair
    ears = stroke(s.ears, width) * not_hair * not_face
    neck = stroke(s.neck, width) * not_hair * not_face * not_clothes * fill(-scene.y)
    clothes = stroke(s.clothes, width) * not_hair * not_face
    return np.maximum.reduce([hair, face, ears, neck, clothes])


def feature_lines(scene: Scene) -> Array:
    """The features as a draughtsman inks them: lids, pupils, brows, nose, mouth, glasses."""
    f = scene.parts
    mouth = np.maximum(f.mouth_line * (1.0 - 0.6 * f.teeth), f.gape * (1.0 - f.teeth))
    eyes = np.maximum.reduce([f.lid, f.pupil * (1.0 - f.glint), f.crease * 0.6, f.brow])
    return np.maximum.reduce([eyes, f.nose * 0.85, mouth, f.rims, f.earring * 0.3])
