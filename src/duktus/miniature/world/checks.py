"""Asked against got: reads background, hair and medium back from the pixels of a picture.

The readings are compared with what this world draws itself: `calibrate()` draws portraits in
every medium, sharp and slightly blurred, and keeps class means and shared covariances; the
result is stored beside this module as `calibration.json`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .drawing import draw
from .portrait import BackgroundColour, HairColour, Medium, Portrait, sample_portrait
from .raster import UNIT, Array, blur, grid, slope

Vector = npt.NDArray[np.float64]
_SIZE = 128


@dataclass(frozen=True, slots=True)
class Checks:
    """What was asked for and whether the picture shows it, as far as pixels tell.

    In the held-out media the background reading is only a hint: their washes mix hues.
    """

    background_colour: bool
    hair_colour: bool
    medium: bool
    found_background_colour: BackgroundColour
    found_hair_colour: HairColour
    found_medium: Medium


def lab(picture: Array) -> Array:
    """CIE Lab (D65) of an sRGB picture in 0..1, same shape."""
    linear = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1098, 0.8730]])
    f = np.cbrt(np.maximum(linear @ matrix.T, 1e-4))
    result = np.stack([116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], -1)
    return np.asarray(result, np.float32)


def _prepare(picture: npt.NDArray[np.uint8]) -> Array:
    if picture.shape[0] != _SIZE or picture.shape[1] != _SIZE:
        image = Image.fromarray(picture).resize((_SIZE, _SIZE), Image.Resampling.BOX if picture.shape[0] > _SIZE else Image.Resampling.BICUBIC)
        picture = np.asarray(image)
    return lab(picture.astype(np.float32) / np.float32(255))


@functools.cache
def _regions() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where to look: background, hair band, face, outermost frame."""
    x, y = grid(_SIZE)
    side = (np.abs(x) > 0.78) & (np.abs(x) < 0.87) & (y > -0.86) & (y < 0.0)
    corner = (np.abs(x) > 0.60) & (np.abs(x) < 0.87) & (y > -0.87) & (y < -0.66)
    band = (np.abs(x) < 0.20) & (y > -0.69) & (y < -0.56)
    face = (np.abs(x) < 0.36) & (y > -0.25) & (y < 0.45)
    frame = (np.maximum(np.abs(x), np.abs(y)) > 0.965) & (y < 0.3)
    return side | corner, band, face, frame


def _area(pixels: Array) -> Vector:
    """Median colour of an area and the spread of its lightness: 6 numbers."""
    low, high = np.percentile(pixels[:, 0], (20, 80))
    chroma = np.percentile(np.hypot(pixels[:, 1], pixels[:, 2]), 75)
    return np.array([*np.median(pixels, axis=0), low, high, chroma], np.float64)


def _background_features(image: Array) -> Vector:
    return _area(blur(image, 1.5 * UNIT)[_regions()[0]])


def _hair_features(image: Array) -> Vector:
    return _area(image[_regions()[1]])


def _medium_features(image: Array) -> Vector:
    """Texture, chroma and paper statistics of the whole picture and its areas."""
    behind, band, face, frame = _regions()
    light = image[..., 0]
    chroma = np.hypot(image[..., 1], image[..., 2])
    levels = [light] + [blur(light, s * UNIT) for s in (1.0, 2.0, 4.0, 8.0)]
    steps = [np.abs(a - b) for a, b in zip(levels[:-1], levels[1:], strict=True)]
    values = [np.log(step[area].mean() + 0.05) for step in steps for area in (behind, face, band)]
    values += [np.log(step.mean() + 0.05) for step in steps]
    colour_step = np.abs(image[..., 1:] - blur(image[..., 1:].copy(), 2.0 * UNIT)).mean(-1)
    values += [np.log(colour_step[area].mean() + 0.05) for area in (behind, face, band)]
    steep = slope(levels[0]) / 64.0
    values += [float((steep < t).mean()) for t in (0.5, 1.0, 2.0, 6.0)]
    values += [float((light > 93).mean()), float((light < 18).mean()), float((chroma > 45).mean()), float((chroma < 8).mean())]
    values += [chroma.mean() / 50, chroma[face].mean() / 50, chroma[frame].mean() / 50, light[frame].mean() / 50]
    values += [(light[frame].mean() - np.median(light[behind])) / 50, (chroma[frame].mean() - np.median(chroma[behind])) / 50]
    values += [float(np.std(image[behind][:, c])) / 20 for c in (0, 1, 2)]
    values += [float(p) / 50 for p in np.percentile(light[face], (3, 20, 50, 80, 97))]
    values += [float(p) / 50 for p in np.percentile(light, (1, 5, 95, 99))]
    base = np.array(values, np.float64)
    return np.concatenate([base, base[:19] ** 2])


def _fit(features: Vector, labels: Sequence[StrEnum], kinds: Sequence[StrEnum]) -> dict[str, Any]:
    """Linear discriminants: per kind a weight vector and an offset on standardised features."""
    centre, spread = features.mean(0), features.std(0) + 1e-6
    z = (features - centre) / spread
    names = np.array([str(label) for label in labels])
    means = np.stack([z[names == str(kind)].mean(0) for kind in kinds])
    residual = z - means[[list(kinds).index(label) for label in labels]]
    covariance = residual.T @ residual / len(z) + 0.02 * np.eye(z.shape[1])
    weights = np.linalg.solve(covariance, means.T).T
    offsets = -0.5 * np.einsum("kd,kd->k", weights, means)
    return {
        "kinds": [str(kind) for kind in kinds],
        **{key: np.round(value, 5).tolist() for key, value in
           (("centre", centre), ("spread", spread), ("weights", weights), ("offsets", offsets))},
    }


def _decide(model: dict[str, Any], features: Vector) -> str:
    z = (features - np.asarray(model["centre"])) / np.asarray(model["spread"])
    scores = np.asarray(model["weights"]) @ z + np.asarray(model["offsets"])
    return str(model["kinds"][int(np.argmax(scores))])


def calibrate(per_medium: int = 300, seed: int = 20260101) -> dict[str, Any]:
    """Fits all readings on freshly drawn portraits; a plain dictionary that JSON can hold.

    `python -m duktus.miniature.world.checks` writes it to `calibration.json`; do that whenever
    the drawing changes. About ten seconds per hundred portraits of each medium.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed]))
    readers: dict[str, Callable[[Array], Vector]] = {
        "background_colour": _background_features, "hair_colour": _hair_features, "medium": _medium_features,
    }
    kinds: dict[str, type[StrEnum]] = {"background_colour": BackgroundColour, "hair_colour": HairColour}
    model: dict[str, Any] = {"background_colour": {}, "hair_colour": {}}
    everything: list[Vector] = []
    media: list[Medium] = []
    for medium in Medium:
        rows: dict[str, list[Vector]] = {name: [] for name in readers}
        portraits: list[Portrait] = []
        for _ in range(per_medium):
            portrait = sample_portrait(rng, (medium,))
            picture = draw(portrait, int(rng.integers(1 << 62)))
            sharp = picture.astype(np.float32) / np.float32(255)
            for image in (sharp, blur(sharp, float(rng.uniform(0.4, 1.1)) * UNIT)):
                portraits.append(portrait)
                for name, reader in readers.items():
                    rows[name].append(reader(lab(image)))
        for name, kind in kinds.items():
            labels = [getattr(portrait, name) for portrait in portraits]
            model[name][str(medium)] = _fit(np.stack(rows[name]), labels, tuple(kind))
        everything += rows["medium"]
        media += [medium] * len(portraits)
    model["medium"] = _fit(np.stack(everything), media, tuple(Medium))
    return model


@functools.cache
def _model() -> dict[str, Any]:
    text = resources.files(__package__ or "").joinpath("calibration.json").read_text(encoding="utf-8")
    model: dict[str, Any] = json.loads(text)
    return model


def check(picture: npt.NDArray[np.uint8], portrait: Portrait) -> Checks:
    """Compares a (size, size, 3) picture of bytes with the portrait that was asked for.

    Colours are read as the asked medium renders them; the medium is read independently.
    """
    image, model = _prepare(picture), _model()
    medium = Medium(_decide(model["medium"], _medium_features(image)))
    background = BackgroundColour(_decide(model["background_colour"][str(portrait.medium)], _background_features(image)))
    hair = HairColour(_decide(model["hair_colour"][str(portrait.medium)], _hair_features(image)))
    return Checks(
        background is portrait.background_colour, hair is portrait.hair_colour, medium is portrait.medium,
        background, hair, medium,
    )


def main() -> None:
    """Writes `calibration.json` beside this module."""
    path = resources.files(__package__ or "").joinpath("calibration.json")
    with open(str(path), "w", encoding="utf-8") as file:
        json.dump(calibrate(), file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
