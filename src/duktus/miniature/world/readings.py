"""What can be measured in a picture: statistics of its areas, and linear decisions over them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from duktus.miniature.world.raster import UNIT, Array, blur, grid, slope

Vector = npt.NDArray[np.float64]
_SIZE = 128


def lab(picture: Array) -> Array:
    """CIE Lab (D65) of an sRGB picture in 0..1, same shape."""
    linear = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1098, 0.8730]])
    f = np.cbrt(np.maximum(linear @ matrix.T, 1e-4))
    result = np.stack(
        [116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], -1
    )
    return np.asarray(result, np.float32)


def prepare(picture: npt.NDArray[np.uint8]) -> Array:
    """Any square picture of bytes as Lab at the size the readings expect."""
    if picture.shape[0] != _SIZE or picture.shape[1] != _SIZE:
        image = Image.fromarray(picture).resize(
            (_SIZE, _SIZE), Image.Resampling.BOX if picture.shape[0] > _SIZE else Image.Resampling.BICUBIC
        )
        picture = np.asarray(image)
    return lab(picture.astype(np.float32) / np.float32(255))


@functools.cache
def _regions() -> tuple[
    npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]
]:
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


def background_features(image: Array) -> Vector:
    """What a Lab picture shows behind the figure, 6 numbers."""
    return _area(blur(image, 1.5 * UNIT)[_regions()[0]])


def hair_features(image: Array) -> Vector:
    """What a Lab picture shows where the hair is, 6 numbers."""
    return _area(image[_regions()[1]])


def medium_features(image: Array) -> Vector:
    """Texture, chroma and paper statistics of the whole picture and its areas."""
    behind, band, face, frame = _regions()
    light = image[..., 0]
    chroma = np.hypot(image[..., 1], image[..., 2])
    levels = [light] + [blur(light, s * UNIT) for s in (1.0, 2.0, 4.0, 8.0)]
    steps = [np.abs(a - b) for a, b in itertools.pairwise(levels)]
    values = [np.log(step[area].mean() + 0.05) for step in steps for area in (behind, face, band)]
    values += [np.log(step.mean() + 0.05) for step in steps]
    colour_step = np.abs(image[..., 1:] - blur(image[..., 1:].copy(), 2.0 * UNIT)).mean(-1)
    values += [np.log(colour_step[area].mean() + 0.05) for area in (behind, face, band)]
    steep = slope(levels[0]) / 64.0
    values += [float((steep < t).mean()) for t in (0.5, 1.0, 2.0, 6.0)]
    values += [
        float((light > 93).mean()),
        float((light < 18).mean()),
        float((chroma > 45).mean()),
        float((chroma < 8).mean()),
    ]
    values += [
        chroma.mean() / 50,
        chroma[face].mean() / 50,
        chroma[frame].mean() / 50,
        light[frame].mean() / 50,
    ]
    values += [
        (light[frame].mean() - np.median(light[behind])) / 50,
        (chroma[frame].mean() - np.median(chroma[behind])) / 50,
    ]
    values += [float(np.std(image[behind][:, c])) / 20 for c in (0, 1, 2)]
    values += [float(p) / 50 for p in np.percentile(light[face], (3, 20, 50, 80, 97))]
    values += [float(p) / 50 for p in np.percentile(light, (1, 5, 95, 99))]
    return np.array(values, np.float64)


def fit(features: Vector, labels: Sequence[StrEnum], kinds: Sequence[StrEnum]) -> dict[str, Any]:
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
        **{
            key: np.round(value, 5).tolist()
            for key, value in (
                ("centre", centre),
                ("spread", spread),
                ("weights", weights),
                ("offsets", offsets),
            )
        },
    }


def refine(model: dict[str, Any], features: Vector, labels: Sequence[StrEnum]) -> dict[str, Any]:
    """The same decisions fitted by logistic regression, which also follows kinds of several looks.

    Full-batch gradient descent with momentum from zero: 600 steps, the same result every time.
    """
    z = (features - np.asarray(model["centre"])) / np.asarray(model["spread"])
    z = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    wanted = np.array([[str(label) == kind for kind in model["kinds"]] for label in labels], np.float64)
    weights = np.zeros((len(model["kinds"]), z.shape[1]))
    velocity = np.zeros_like(weights)
    for _ in range(600):
        scores = z @ weights.T
        share = np.exp(scores - scores.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        velocity = 0.9 * velocity + (share - wanted).T @ z / len(z) + 1e-3 * weights
        weights -= 0.05 * velocity
    fitted = {"weights": weights[:, :-1], "offsets": weights[:, -1]}
    return {**model, **{key: np.round(value, 5).tolist() for key, value in fitted.items()}}


def decide(model: dict[str, Any], features: Vector) -> str:
    """The most likely kind for one reading, by a model from `fit`."""
    z = (features - np.asarray(model["centre"])) / np.asarray(model["spread"])
    scores = np.asarray(model["weights"]) @ z + np.asarray(model["offsets"])
    return str(model["kinds"][int(np.argmax(scores))])
