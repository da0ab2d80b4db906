"""Fits the readings to this world: `python -m duktus.miniature.world.calibration`."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from duktus.miniature.world.drawing import draw
from duktus.miniature.world.portrait import BackgroundColour, HairColour, Medium, Portrait, sample_portrait
from duktus.miniature.world.raster import UNIT, Array, blur, noise
from duktus.miniature.world.readings import (
    Vector,
    background_features,
    fit,
    hair_features,
    lab,
    medium_features,
    refine,
)


def calibrate(per_medium: int = 300, seed: int = 20260101) -> dict[str, Any]:
    """Fits all readings on freshly drawn portraits; a plain dictionary that JSON can hold.

    `python -m duktus.miniature.world.calibration` writes it to `calibration.json`; do that whenever
    the drawing changes. About ten seconds per hundred portraits of each medium.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed]))
    readers: dict[str, Callable[[Array], Vector]] = {
        "background_colour": background_features,
        "hair_colour": hair_features,
        "medium": medium_features,
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
            for image in (sharp, blur(sharp, float(rng.uniform(0.4, 1.1)) * UNIT), _worn(sharp, rng)):
                portraits.append(portrait)
                for name, reader in readers.items():
                    rows[name].append(reader(lab(image)))
        for name, kind in kinds.items():
            labels = [getattr(portrait, name) for portrait in portraits]
            model[name][str(medium)] = fit(np.stack(rows[name]), labels, tuple(kind))
        everything += rows["medium"]
        media += [medium] * len(portraits)
    model["medium"] = refine(fit(np.stack(everything), media, tuple(Medium)), np.stack(everything), media)
    return model


def _worn(sharp: Array, rng: np.random.Generator) -> Array:
    """As a network gives it back: a little soft, with blotches the size of its latent cells and smaller.

    Without these the readings took generated cartoons with plain outlines and flat grounds for charcoal.
    """
    size = len(sharp)
    soft = blur(sharp, float(rng.uniform(0.3, 1.0)) * UNIT)
    amount = float(rng.uniform(0.01, 0.04))
    blotches = [
        noise(rng, size, size // 8) + noise(rng, size, size // 4) + 0.5 * noise(rng, size, size // 2)
        for _ in range(3)
    ]
    return np.clip(soft + amount * np.stack(blotches, -1), 0.0, 1.0).astype(np.float32)


def main() -> None:
    """Writes `calibration.json` beside this module."""
    text = json.dumps(calibrate(), separators=(",", ":"))
    Path(__file__).with_name("calibration.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
