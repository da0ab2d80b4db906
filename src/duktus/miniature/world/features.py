"""The small things in a face: eyes, brows, nose, mouth, beard, glasses, earrings, as soft masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duktus.miniature.world.head import Build, Shapes, place
from duktus.miniature.world.portrait import Expression, HairLength, Portrait
from duktus.miniature.world.raster import UNIT, Array, Field, ellipse, fill, gauss, ramp, stroke


@dataclass(frozen=True, slots=True)
class Features:
    """Masks of (size, size) in 0..1; `lines` is what an outline drawing would ink."""

    white: Array
    iris: Array
    pupil: Array
    glint: Array
    lid: Array
    crease: Array
    brow: Array
    nose: Array
    lips: Array
    gape: Array
    teeth: Array
    mouth_line: Array
    beard: Array
    rims: Array
    lens: Array
    earring: Array
    blush: Array


def _union(*masks: Field) -> Array:
    return np.asarray(np.maximum.reduce(masks), np.float32)


def _eye(build: Build, portrait: Portrait, s: Shapes, sign: float) -> tuple[Array, ...]:
    """White, iris, pupil, glint, lid, crease and brow of one eye."""
    at, squash = place(build, sign * build.eye_angle)
    half, high = build.eye_width * squash, build.eye_height
    p, q = s.u - at, s.v - build.eye_y + 0.10 * sign * (s.u - at)
    t = np.clip(p / half, -1.4, 1.4)
    arch = high * (1.0 - t * t)
    flatten = 1.0 / np.sqrt(1.0 + (2.0 * high * np.abs(t) / half) ** 2)
    upper, lower = (-q - arch) * flatten, (q - 0.8 * arch) * flatten
    white = fill(np.maximum(upper, lower))
    look = p - 0.30 * half * np.sin(build.yaw) * 1.2
    radius = min(0.068, high * 0.98)
    disc = ellipse(look, q + 0.004, radius, radius)
    iris = fill(disc) * white
    pupil = fill(disc + radius * 0.50) * white
    glint = fill(ellipse(look + 0.022 * np.sign(build.part), q + 0.025, 0.019, 0.019)) * white
    woman = portrait.person.value == "woman"
    lid_width = (3.2 if woman else 2.6) * UNIT
    inside = fill(np.abs(p) - half * 1.08)
    lid = stroke(upper, lid_width) * inside * fill(q - 0.4 * high)
    if woman:
        corner = np.maximum(
            np.abs(q + 0.55 * (sign * p - half) + 0.005) - 1.4 * UNIT, np.abs(sign * p - half * 1.02) - 0.04
        )
        lid = np.maximum(lid, fill(corner))
    crease = stroke(lower, 1.6 * UNIT) * fill(np.abs(p) - half * 0.85) * fill(-q)
    tilt = build.brow_tilt * sign
    w = sign * p / half
    bow = q + build.brow_y - tilt * p - 0.05 * (w - 0.25) ** 2
    taper = build.brow_thick * 0.5 * np.clip(1.05 - 0.55 * np.clip(w, -1.0, 1.5), 0.35, 1.25)
    brow = fill(np.maximum(np.abs(bow) - taper, np.abs(p - 0.02 * sign) - half * 1.18))
    return white, iris, pupil, glint, lid, crease, brow


def _mouth(build: Build, portrait: Portrait, s: Shapes) -> tuple[Array, Array, Array, Array]:
    """Lips, opening, teeth and the line between the lips."""
    at, _ = place(build, 0.0)
    squash = float(np.cos(build.yaw))
    at *= 0.80
    p, q = s.u - at, s.v - build.mouth_y
    mood, lip = portrait.expression, build.lip
    half = (
        build.mouth_width
        * squash
        * {"smiling": 1.28, "surprised": 0.62, "serious": 0.98}.get(mood.value, 1.0)
    )
    t = np.clip(p / half, -1.5, 1.5)
    bow = 1.0 - t * t
    if mood is Expression.SURPRISED:
        hole = ellipse(p, q - 0.03, half * 0.82, 0.10)
        return (
            stroke(hole - 0.012, 0.05),
            fill(hole),
            fill(np.maximum(hole, q + 0.035)) * 0.0,
            stroke(hole, 2.0 * UNIT),
        )
    bend = {"smiling": 0.062, "serious": -0.024}.get(mood.value, 0.004)
    centre = bend * (bow - 0.55)
    inside = np.abs(p) - half
    cupid = 0.25 * np.exp(-((t / 0.2) ** 2))
    gap = 0.062 * bow if mood is Expression.SMILING else 0.0 * bow
    upper = centre - lip * 0.75 * np.clip(bow, 0.0, 1.0) * (1.0 - cupid)
    lower = centre + gap + lip * 1.05 * np.clip(bow, 0.0, 1.0)
    lips = fill(np.maximum(np.maximum(upper - q, q - lower), inside))
    mouth_line = stroke(q - centre, 2.2 * UNIT) * fill(inside - 0.03)
    if mood is Expression.SMILING:
        gape = fill(np.maximum(np.maximum(centre - q, q - centre - gap), inside))
        corner = stroke(np.abs(p) - half - 0.01, 2.2 * UNIT) * fill(np.abs(q - centre + 0.005) - 0.03)
        return lips, gape, gape * fill(q - centre - gap * 0.85), np.maximum(mouth_line, corner * 0.8)
    nothing = np.zeros_like(lips)
    return lips, nothing, nothing, mouth_line


def _nose(build: Build, s: Shapes) -> Array:
    """The nose as a draughtsman notes it: one side of the ridge and the wings."""
    at, _ = place(build, 0.0)
    tip = at + 0.10 * float(np.sin(build.yaw))
    base = build.eye_y + build.nose_length
    side = -1.0 if build.yaw < -0.1 else 1.0 if build.yaw > 0.1 else float(np.sign(build.light[0])) * -1.0
    p, q = s.u - tip, s.v - base
    wing = build.nose_width
    under = stroke(q - 0.02 + 0.35 * (np.abs(p) - wing * 0.5) ** 2 / wing, 2.4 * UNIT) * fill(
        np.abs(p) - wing * 0.85
    )
    curl = stroke(ellipse(p - side * wing * 0.55, q - 0.005, wing * 0.5, 0.045), 2.2 * UNIT) * fill(
        -side * p + wing * 0.6
    )
    along = np.clip((s.v - build.eye_y + 0.04) / build.nose_length, 0.0, 1.0)
    ridge = stroke(s.u - (at + (tip - at) * along) - side * wing * (0.40 + 0.35 * along), 2.0 * UNIT)
    ridge = ridge * ramp(build.eye_y - 0.06, build.eye_y + 0.04, s.v) * fill(q + 0.02) * 0.8
    return _union(under, curl, ridge)


def _glasses(build: Build, s: Shapes) -> tuple[Array, Array]:
    rims: list[Array] = []
    lenses: list[Array] = []
    spots = []
    for sign in (-1.0, 1.0):
        at, squash = place(build, sign * build.eye_angle)
        spots.append(at)
        lens = ellipse(s.u - at, s.v - build.eye_y - 0.01, 0.205 * squash, 0.155)
        rims.append(stroke(lens, 2.8 * UNIT))
        lenses.append(fill(lens))
    bridge = np.maximum(np.abs(s.v - build.eye_y + 0.03) - 1.3 * UNIT, np.abs(s.u - sum(spots) / 2) - 0.06)
    arm = np.maximum(np.abs(s.v - build.eye_y + 0.01) - 1.3 * UNIT, s.face)
    reach = max(abs(spots[0]), abs(spots[1])) + 0.16
    arm = np.maximum(arm, reach - np.abs(s.u))
    lens_union = _union(*lenses)
    bridge_mask = fill(bridge) * (1.0 - lens_union)
    return _union(*rims, bridge_mask, fill(arm) * (1.0 - lens_union)), lens_union


def _beard(build: Build, s: Shapes) -> Array:
    at = 0.80 * place(build, 0.0)[0]
    p, q = s.u - at, s.v - build.mouth_y
    jaw = np.maximum(s.face - 0.04, 0.045 - q - 0.75 * np.clip(np.abs(p) - 0.17, 0.0, 0.3))
    mouth = ellipse(p, q - 0.01, build.mouth_width * 1.12, 0.085)
    moustache = ellipse(p, q + 0.085, build.mouth_width * 1.15, 0.045)
    return fill(np.minimum(np.maximum(jaw, -mouth), np.maximum(moustache, -mouth - 0.03)), 1.6 * UNIT)


def features(build: Build, portrait: Portrait, s: Shapes) -> Features:
    """All features of one portrait over the grid of its shapes."""
    eyes = [_eye(build, portrait, s, sign) for sign in (-1.0, 1.0)]
    white, iris, pupil, glint, lid, crease, brow = (_union(*parts) for parts in zip(*eyes, strict=True))
    lips, gape, teeth, mouth_line = _mouth(build, portrait, s)
    nothing = np.zeros_like(lips)
    rims, lens = _glasses(build, s) if portrait.glasses else (nothing, nothing)
    earring = nothing
    if portrait.earrings:
        drop = 0.0 if portrait.hair_length is not HairLength.LONG else 0.03
        spots = [
            ellipse(s.u - sign * (build.half_width * 0.97 + drop), s.v - 0.30, 0.045, 0.06)
            for sign in (-1.0, 1.0)
        ]
        earring = fill(np.minimum(*spots))
    cheeks = [place(build, sign * (build.eye_angle + 0.08))[0] for sign in (-1.0, 1.0)]
    blush = _union(*(gauss(s.u - c, s.v - build.eye_y - 0.22, 0.13, 0.09) for c in cheeks))
    return Features(
        white,
        iris,
        pupil,
        glint,
        lid,
        crease,
        brow,
        _nose(build, s),
        lips,
        gape,
        teeth,
        mouth_line,
        _beard(build, s) if portrait.beard else nothing,
        rims,
        lens,
        earring,
        blush,
    )
