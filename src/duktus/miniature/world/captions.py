"""Words for a portrait: a full fixed description, and varied ones to train on."""

from __future__ import annotations

import numpy as np

from duktus.miniature.world.portrait import Expression, HairLength, Medium, Portrait, Turn

_MEDIUM_PHRASES: dict[Medium, tuple[str, ...]] = {
    Medium.PHOTO: ("photo", "photograph"),
    Medium.CARTOON: ("cartoon", "cartoon drawing"),
    Medium.PENCIL: ("pencil", "pencil drawing"),
    Medium.WATERCOLOUR: ("watercolour", "watercolour painting"),
    Medium.CHARCOAL: ("charcoal", "charcoal drawing"),
    Medium.RISOGRAPH: ("risograph", "risograph print"),
    Medium.CONTOUR_WASH: ("contour wash", "contour wash drawing"),
    Medium.LINOCUT: ("linocut", "linocut print"),
}

_TURNS = {
    Turn.LEFT: "looking to the left",
    Turn.FRONT: "facing the viewer",
    Turn.RIGHT: "looking to the right",
}


def _hair(portrait: Portrait, *, coloured: bool = True) -> str:
    curls = "curly " if portrait.curly else ""
    hair = f"{portrait.hair_colour} hair" if coloured else "hair"
    if portrait.hair_length is HairLength.BUN:
        return f"{curls}{hair} in a bun"
    return f"{portrait.hair_length} {curls}{hair}"


def _worn(portrait: Portrait) -> list[str]:
    worn = {"a beard": portrait.beard, "glasses": portrait.glasses, "earrings": portrait.earrings}
    return [name for name, there in worn.items() if there]


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def full_caption(portrait: Portrait) -> str:
    """A caption that names every attribute, always in the same words."""
    clothes = f"a {portrait.clothes_colour} {portrait.garment}"
    features = [_hair(portrait), f"{portrait.skin} skin", *_worn(portrait), clothes]
    return (
        f"a {portrait.expression} {portrait.person} with {_and(features)}, {_TURNS[portrait.turn]}, "
        f"in front of a {portrait.background_colour} background, {portrait.medium}"
    )


def content_caption(portrait: Portrait) -> str:
    """What a picture of the portrait shows, never how it is drawn: the caption of a picture to teach from.

    Names no colour, because *contour wash* has only its own.
    """
    features = [_hair(portrait, coloured=False), *_worn(portrait), f"a {portrait.garment}"]
    return f"a {portrait.expression} {portrait.person} with {_and(features)}, {_TURNS[portrait.turn]}"


def _features(portrait: Portrait, rng: np.random.Generator) -> list[str]:
    """The parts after "with", each sometimes left out, in random order."""
    parts = [(0.88, _hair(portrait)), (0.6, f"{portrait.skin} skin")]
    parts += [(0.85, "a beard")] if portrait.beard else []
    parts += [(0.85, "glasses")] if portrait.glasses else []
    parts += [(0.75, "earrings")] if portrait.earrings else []
    kept = [text for odds, text in parts if rng.random() < odds]
    return [kept[i] for i in rng.permutation(len(kept))]


def _subject(portrait: Portrait, rng: np.random.Generator) -> str:
    plain = portrait.expression is Expression.NEUTRAL
    named = rng.random() < (0.5 if plain else 0.82)
    text = f"a {portrait.expression} {portrait.person}" if named else f"a {portrait.person}"
    kept = _features(portrait, rng)
    clothes = f"a {portrait.clothes_colour} {portrait.garment}"
    dressed = rng.random()
    if dressed < 0.45:
        kept.append(clothes)
    if kept:
        text += f" with {_and(kept)}"
    if 0.45 <= dressed < 0.8:
        text += f" wearing {clothes}"
    return text


def caption(portrait: Portrait, rng: np.random.Generator) -> str:
    """A caption in varied words, order and completeness; about one in ten is empty.

    Whatever it names is true of the portrait.
    """
    if rng.random() < 0.1:
        return ""
    text = _subject(portrait, rng)
    if rng.random() < (0.25 if portrait.turn is Turn.FRONT else 0.75):
        text += f", {_TURNS[portrait.turn]}"
    if rng.random() < 0.85:
        joint = (" in front of a {} background", " on a {} background", ", {} background")[
            int(rng.integers(0, 3))
        ]
        text += joint.format(portrait.background_colour)
    form = rng.random()
    if form < 0.08:
        return text
    phrases = _MEDIUM_PHRASES[portrait.medium]
    phrase = phrases[int(rng.integers(0, len(phrases)))]
    if form < 0.55:
        return f"{text}, {phrase}"
    if form < 0.8:
        return f"a {phrase} of {text}" if rng.random() < 0.6 else f"a {phrase} portrait of {text}"
    return f"{phrase}, {text}"
