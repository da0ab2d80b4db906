"""What a portrait shows: the attributes a caption may name, and how they are sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Medium(StrEnum):
    """A hand in which a portrait can be drawn; the value is the word captions use."""

    PHOTO = "photo"
    CARTOON = "cartoon"
    PENCIL = "pencil"
    WATERCOLOUR = "watercolour"
    CHARCOAL = "charcoal"
    RISOGRAPH = "risograph"
    CONTOUR_WASH = "contour wash"
    LINOCUT = "linocut"


TRAINED_MEDIA: tuple[Medium, ...] = (
    Medium.PHOTO,
    Medium.CARTOON,
    Medium.PENCIL,
    Medium.WATERCOLOUR,
    Medium.CHARCOAL,
    Medium.RISOGRAPH,
)
"""The media that the base model learns."""

HELD_OUT_MEDIA: tuple[Medium, ...] = (Medium.CONTOUR_WASH, Medium.LINOCUT)
"""The media that the base model never sees: styles to teach."""


class Person(StrEnum):
    """Who is portrayed."""

    WOMAN = "woman"
    MAN = "man"
    CHILD = "child"


class HairColour(StrEnum):
    """The colour of the hair."""

    BLACK = "black"
    BROWN = "brown"
    BLONDE = "blonde"
    RED = "red"
    GREY = "grey"
    BLUE = "blue"


class HairLength(StrEnum):
    """How the hair is worn."""

    SHORT = "short"
    LONG = "long"
    BUN = "bun"


class Skin(StrEnum):
    """The tone of the skin."""

    PALE = "pale"
    TAN = "tan"
    BROWN = "brown"
    DARK = "dark"


class Expression(StrEnum):
    """What the face does."""

    SMILING = "smiling"
    NEUTRAL = "neutral"
    SERIOUS = "serious"
    SURPRISED = "surprised"


class Turn(StrEnum):
    """Where the head looks, seen from the front of the picture."""

    LEFT = "left"
    FRONT = "front"
    RIGHT = "right"


class ClothesColour(StrEnum):
    """The colour of the clothes."""

    RED = "red"
    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    BLACK = "black"
    WHITE = "white"


class Garment(StrEnum):
    """What is worn: a jumper has a round neck, a shirt an open collar."""

    JUMPER = "jumper"
    SHIRT = "shirt"


class BackgroundColour(StrEnum):
    """The colour behind the head."""

    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    PINK = "pink"
    ORANGE = "orange"
    PURPLE = "purple"
    WHITE = "white"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Portrait:
    """Everything a caption can name about one picture."""

    person: Person
    hair_colour: HairColour
    hair_length: HairLength
    curly: bool
    skin: Skin
    beard: bool
    glasses: bool
    earrings: bool
    expression: Expression
    turn: Turn
    garment: Garment
    clothes_colour: ClothesColour
    background_colour: BackgroundColour
    medium: Medium


_HAIR_LENGTH_ODDS = {
    Person.WOMAN: (0.25, 0.55, 0.20),
    Person.MAN: (0.82, 0.14, 0.04),
    Person.CHILD: (0.55, 0.33, 0.12),
}


def _pick(rng: np.random.Generator, choices: Sequence[T], odds: Sequence[float] | None = None) -> T:
    return choices[int(rng.choice(len(choices), p=odds))]


def sample_portrait(rng: np.random.Generator, media: Sequence[Medium] = TRAINED_MEDIA) -> Portrait:
    """A random portrait in one of `media`; only men have beards, and children no earrings."""
    person = _pick(rng, tuple(Person), (0.42, 0.42, 0.16))
    return Portrait(
        person=person,
        hair_colour=_pick(rng, tuple(HairColour), (0.19, 0.19, 0.19, 0.18, 0.14, 0.11)),
        hair_length=_pick(rng, tuple(HairLength), _HAIR_LENGTH_ODDS[person]),
        curly=bool(rng.random() < 0.3),
        skin=_pick(rng, tuple(Skin)),
        beard=bool(person is Person.MAN and rng.random() < 0.4),
        glasses=bool(rng.random() < 0.3),
        earrings=bool(person is Person.WOMAN and rng.random() < 0.3),
        expression=_pick(rng, tuple(Expression), (0.34, 0.26, 0.2, 0.2)),
        turn=_pick(rng, tuple(Turn), (0.27, 0.46, 0.27)),
        garment=_pick(rng, tuple(Garment)),
        clothes_colour=_pick(rng, tuple(ClothesColour)),
        background_colour=_pick(rng, tuple(BackgroundColour)),
        medium=_pick(rng, tuple(media)),
    )
