"""Asked against got: reads background, hair and medium back from the pixels of a picture.

The readings are compared with what this world draws itself: `calibration.calibrate()` draws
portraits in every medium, sharp, slightly blurred and worn as a network's pictures are, and fits linear
decisions to them; the result is stored beside this module as `calibration.json`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from duktus.miniature.world.portrait import BackgroundColour, HairColour, Medium, Portrait
from duktus.miniature.world.readings import (
    background_features,
    decide,
    hair_features,
    medium_features,
    prepare,
)


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


@functools.cache
def _model() -> dict[str, Any]:
    text = resources.files("duktus.miniature.world").joinpath("calibration.json").read_text(encoding="utf-8")
    model: dict[str, Any] = json.loads(text)
    return model


def check(picture: npt.NDArray[np.uint8], portrait: Portrait) -> Checks:
    """Compares a (size, size, 3) picture of bytes with the portrait that was asked for.

    Colours are read as the asked medium renders them; the medium is read independently.
    """
    image, model = prepare(picture), _model()
    medium = Medium(decide(model["medium"], medium_features(image)))
    background = BackgroundColour(
        decide(model["background_colour"][str(portrait.medium)], background_features(image))
    )
    hair = HairColour(decide(model["hair_colour"][str(portrait.medium)], hair_features(image)))
    return Checks(
        background is portrait.background_colour,
        hair is portrait.hair_colour,
        medium is portrait.medium,
        background,
        hair,
        medium,
    )
