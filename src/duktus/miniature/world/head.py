"""The head as geometry: proportions drawn from a seed, shapes as signed distances, a height field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duktus.miniature.world.portrait import Expression, HairLength, Person, Portrait, Turn
from duktus.miniature.world.raster import Array, ellipse, gauss, ramp


@dataclass(frozen=True, slots=True)
class Build:
    """The proportions of one sitter and the pose; lengths in picture coordinates."""

    centre_x: float
    centre_y: float
    half_width: float
    half_height: float
    jaw: float
    yaw: float
    roll: float
    eye_angle: float
    eye_y: float
    eye_width: float
    eye_height: float
    iris: int
    brow_y: float
    brow_thick: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    mouth_y: float
    mouth_width: float
    lip: float
    hairline: int
    part: float
    volume: float
    hair_reach: float
    shoulder: float
    light: tuple[float, float, float]


def sample_build(portrait: Portrait, rng: np.random.Generator) -> Build:
    """Random proportions that fit the person, the turn and the expression."""
    child, man = portrait.person is Person.CHILD, portrait.person is Person.MAN
    surprised, serious = (
        portrait.expression is Expression.SURPRISED,
        portrait.expression is Expression.SERIOUS,
    )

    def near(mean: float, spread: float) -> float:
        return mean + spread * float(np.clip(rng.normal(), -1.8, 1.8))

    turn = {Turn.LEFT: -1.0, Turn.FRONT: 0.0, Turn.RIGHT: 1.0}[portrait.turn]
    yaw = turn * float(rng.uniform(0.30, 0.44)) if turn else float(rng.uniform(-0.05, 0.05))
    side = float(rng.choice([-1.0, 1.0]))
    return Build(
        centre_x=near(0.0, 0.03),
        centre_y=near(-0.03 if child else -0.06, 0.015),
        half_width=near(0.54 if child else 0.53 if man else 0.505, 0.016),
        half_height=near(0.58 if child else 0.645 if man else 0.63, 0.015),
        jaw=near(0.22 if man else 0.36 if child else 0.42, 0.05),
        yaw=yaw,
        roll=near(0.0, 0.035),
        eye_angle=near(0.445, 0.02),
        eye_y=near(0.06 if child else 0.0, 0.012),
        eye_width=near(0.152 if child else 0.142, 0.006),
        eye_height=near(0.082 if child else 0.068, 0.004) * (1.28 if surprised else 0.88 if serious else 1.0),
        iris=int(rng.integers(0, 4)),
        brow_y=near(0.165, 0.008) + (0.05 if surprised else -0.018 if serious else 0.0),
        brow_thick=near(0.066 if man else 0.046 if child else 0.05, 0.005),
        brow_tilt=(-0.17 if serious else 0.12) + near(0.0, 0.04),
        nose_length=near(0.20 if child else 0.25, 0.012),
        nose_width=near(0.085 if child else 0.105 if man else 0.09, 0.007),
        mouth_y=near(0.36 if child else 0.37, 0.008),
        mouth_width=near(0.155 if child else 0.18, 0.01),
        lip=near(0.048 if man else 0.052 if child else 0.064, 0.005),
        hairline=int(rng.integers(0, 4)),
        part=float(rng.uniform(0.25, 0.6)) * side,
        volume=near(0.115, 0.015) + (0.035 if portrait.curly else 0.0),
        hair_reach=near(0.86, 0.08),
        shoulder=near(0.66, 0.012),
        light=(
            side * float(rng.uniform(0.35, 0.75)),
            -float(rng.uniform(0.3, 0.6)),
            float(rng.uniform(0.55, 0.8)),
        ),
    )


@dataclass(frozen=True, slots=True)
class Shapes:
    """Signed distances (negative inside) of the large shapes and the head's own coordinates."""

    u: Array
    v: Array
    face: Array
    ears: Array
    neck: Array
    clothes: Array
    collar: Array
    hair: Array
    height: Array


def place(build: Build, angle: float) -> tuple[float, float]:
    """Where a point at `angle` on the front of the head appears: offset u and foreshortening."""
    turned = angle + build.yaw
    u = build.half_width * (float(np.sin(turned)) + 0.10 * float(np.sin(build.yaw)))
    return u, float(np.cos(turned) / np.cos(angle)) ** 0.7 if angle else 1.0


def _face(build: Build, u: Array, v: Array) -> Array:
    t = np.clip(v / build.half_height, 0.0, 1.2)
    width = build.half_width * (1.0 - build.jaw * t**2.2)
    chin_shift = 0.10 * np.sin(build.yaw) * build.half_width * t
    return ellipse((u - chin_shift) * (build.half_width / width), v, build.half_width, build.half_height)


def _hairline(build: Build, portrait: Portrait, u: Array) -> Array:
    """The lower edge of the hair on the forehead, as v over u."""
    top = -0.66 * build.half_height
    centre = place(build, 0.0)[0]
    w = (u - centre) / build.half_width
    if build.hairline == 0:
        line = top + 0.24 * build.half_height + 0.05 * np.cos(5.0 * w)
    elif build.hairline == 1:
        line = top + 0.34 * np.abs(w - build.part) ** 1.3 * build.half_height * 1.3
    elif build.hairline == 2:
        line = top - 0.02 + 0.42 * np.abs(w) ** 1.6 * build.half_height
    else:
        line = top + 0.06 + 0.22 * (w * np.sign(build.part) + 0.6) * build.half_height * 0.7
    if portrait.curly:
        line = line + 0.022 * np.sin(u * 26.0 + build.part * 9.0)
    return np.asarray(line, np.float32)


def _hair(build: Build, portrait: Portrait, place_on: tuple[Array, Array], face: Array, neck: Array) -> Array:
    u, v = place_on
    a, b, volume = build.half_width, build.half_height, build.volume
    shift = -0.10 * np.sin(build.yaw) * a
    ru, rv = u - shift, v + 0.03
    if portrait.curly:
        angle = np.arctan2(rv, ru)
        wobble = 0.024 * np.sin(angle * 15.0 + build.part * 20.0)
    else:
        wobble = np.float32(0.0)
    outer = ellipse(ru, rv, a + volume * 0.85, b + volume) + wobble
    if portrait.hair_length is HairLength.LONG:
        wave = 0.028 * np.sin(v * (22.0 if portrait.curly else 7.0) + build.part * 8.0)
        flare = a + volume * 0.75 + 0.05 * np.clip(v, 0.0, 1.0) + wave
        sheet = np.maximum(np.abs(ru) - flare, np.maximum(v - build.hair_reach + 0.25 * ru**2, -0.1 - v))
        outer = np.minimum(outer, sheet)
    else:
        low = (0.06 if portrait.person is Person.MAN else 0.2) * b
        outer = np.maximum(outer, v - low - 0.10 * np.abs(ru))
    if portrait.hair_length is HairLength.BUN:
        bun = ellipse(ru - 0.12 * np.sign(build.part), v + b + volume * 0.9, 0.21, 0.15) + wobble
        outer = np.minimum(outer, bun)
    side = 0.045 if portrait.hair_length is HairLength.LONG else 0.022
    opening = np.maximum(face + side, _hairline(build, portrait, u) - v)
    opening = np.minimum(opening, np.maximum(np.minimum(neck, face), 0.2 - v))
    return np.asarray(np.maximum(outer, -opening), np.float32)


def _height(build: Build, u: Array, v: Array, face: Array) -> Array:
    """The relief of the face: a rounded head with nose, sockets, cheeks, lips and chin."""
    a, b = build.half_width, build.half_height
    r2 = np.clip(1.0 + face / (0.8 * a), 0.0, 1.0) ** 2
    z = 0.62 * np.sqrt(np.clip(1.0 - 0.94 * r2, 0.0, 1.0))
    nose, _ = place(build, 0.0)
    tip = nose + 0.10 * float(np.sin(build.yaw))
    along = np.clip((v - build.eye_y + 0.02) / build.nose_length, 0.0, 1.0)
    ridge = nose + (tip - nose) * along
    below = ramp(build.eye_y + build.nose_length + 0.055, build.eye_y + build.nose_length - 0.03, v)
    width = build.nose_width * (0.45 + 0.5 * along)
    z = z + (0.05 + 0.13 * along) * np.exp(-(((u - ridge) / width) ** 2)) * below * ramp(-0.2, 0.02, v)
    for sign in (-1.0, 1.0):
        eye, squash = place(build, sign * build.eye_angle)
        z = z - 0.075 * gauss(u - eye, v - build.eye_y, 0.15 * squash, 0.085)
        z = z + 0.045 * gauss(u - eye, v - build.eye_y + build.brow_y, 0.19 * squash, 0.07)
        cheek, squash = place(build, sign * (build.eye_angle + 0.12))
        z = z + 0.055 * gauss(u - cheek, v - build.eye_y - 0.20, 0.16 * squash, 0.13)
    chin = place(build, 0.0)[0]
    z = z + 0.06 * gauss(u - chin, v - 0.88 * b, 0.15, 0.09)
    z = z + 0.05 * gauss(u - chin, v - build.mouth_y, 0.17, 0.075)
    z = z - 0.04 * gauss(u - chin, v - build.mouth_y - 0.105, 0.13, 0.04)
    return np.asarray(z, np.float32)


def shapes(build: Build, portrait: Portrait, x: Array, y: Array) -> Shapes:
    """All large shapes over a grid of coordinates; every array has the grid's shape."""
    cos, sin = float(np.cos(build.roll)), float(np.sin(build.roll))
    dx, dy = x - build.centre_x, y - build.centre_y
    u = (cos * dx + sin * dy).astype(np.float32)
    v = (cos * dy - sin * dx).astype(np.float32)
    face = _face(build, u, v)
    man = portrait.person is Person.MAN
    half_neck = build.half_width * (0.60 if man else 0.46 if portrait.person is Person.CHILD else 0.48)
    neck = np.maximum(np.abs(dx) - half_neck - 0.10 * np.clip(y - 0.5, 0.0, 1.0), -y).astype(np.float32)
    ears = np.minimum(
        ellipse(u - build.half_width * 0.99 + 0.16 * min(build.yaw, 0.0), v - 0.09, 0.085, 0.135),
        ellipse(u + build.half_width * 0.99 + 0.16 * max(build.yaw, 0.0) * -1.0, v - 0.09, 0.085, 0.135),
    )
    slope = 0.15 if man else 0.2
    top = build.shoulder + slope * np.abs(dx) ** 1.5
    clothes = (top - y) * 0.93
    if portrait.garment.value == "shirt":
        collar = np.maximum(np.abs(dx) * 1.0 - (0.95 - y) * 0.9, 0.3 - y)
    else:
        collar = ellipse(dx, y - build.shoulder + 0.02, half_neck * 1.12, 0.12)
    clothes = np.maximum(clothes, -collar).astype(np.float32)
    hair = _hair(build, portrait, (u, v), face, neck)
    return Shapes(
        u, v, face, ears, neck, clothes, collar.astype(np.float32), hair, _height(build, u, v, face)
    )
