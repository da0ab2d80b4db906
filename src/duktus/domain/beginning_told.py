"""What a picture began from in a few words: ``drawn over  094d22588cbe, denoise 0.6``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from duktus.domain.recipe import Recipe

LABELS = {
    "source": "drawn over",
    "mask": "mask",
    "variation": "variation",
    "controls": "control",
    "references": "reference",
    "hires": "second pass",
    "refine": "refiner",
    "upscale": "upscaled",
}
"""What each part of a recipe is called, in the order in which it is told."""

ALWAYS_THERE = {
    "source": "picture",
    "mask": "picture",
    "variation": "seed",
    "controls": "kind",
    "references": "name",
    "hires": "width",
    "refine": "name",
    "upscale": "name",
}
"""A value that a part never lacks, so that where it comes or goes, the part does."""
MOSTLY_NOUGHT = ("extend", "feather")
"""Values that are told only where they are not 0."""
WORDED = ("kind", "by")
"""Values that are words of ours."""
_BARE = {*WORDED, "name"}
"""Values that say by themselves what they are."""
_FIRST = ("kind", "name", "picture")
PINNED = {"network", "weights", "tile", "overlap"}
"""They pin the recipe and say nothing to a person who knows the name."""
_HASH = re.compile("[0-9a-f]{64}")
_SHORT = 12

Named = Callable[[str], str]
"""What a picture is called, by the hash of its file."""
Said = Callable[[str], str]
"""How a word of ours is said in another language; the names that people gave are never asked for."""


class Told(NamedTuple):
    """One part of a beginning: what it is, and its values as (name, value), the name empty where none is
    needed.
    """

    label: str
    values: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """The values in one line."""
        return ", ".join(f"{name} {value}".strip() for name, value in self.values)


def as_it_is(word: str) -> str:
    """English, which the words are in."""
    return word


def short(value: str) -> str:
    """The beginning of a hash; any other text as it is."""
    return value[:_SHORT] if _HASH.fullmatch(value) else value


def beginning_told(recipe: Recipe, named: Named = short, said: Said = as_it_is) -> tuple[Told, ...]:
    """Every part that the picture began from beside noise and words, in words; empty for none."""
    whole = recipe.as_json()
    found: list[Told] = []
    for part in LABELS:
        given = whole.get(part)
        several: list[Mapping[str, Any]] = given if isinstance(given, list) else [given] if given else []
        found += [
            Told(label_of(part, number), tuple(_values(one, named, said)))
            for number, one in enumerate(several, start=1)
        ]
    return tuple(found)


def part_told(label: str, values: Mapping[str, Any], named: Named = short, said: Said = as_it_is) -> Told:
    """One part from its values, as :meth:`Recipe.as_json` names them or flat (``extend left``)."""
    return Told(label, tuple(_values(values, named, said)))


def label_of(part: str, number: int = 1) -> str:
    """``control``; ``control 2`` of the second."""
    return f"{LABELS[part]} {number}" if number > 1 else LABELS[part]


def _values(given: Mapping[str, Any], named: Named, said: Said) -> Iterator[tuple[str, str]]:
    values = dict(given)
    for side, pixels in values.pop("extend", {}).items():
        values[f"extend {side}"] = pixels
    if "width" in values:
        yield "", f"{values.pop('width')} x {values.pop('height')}"
    start, end = values.pop("start", 0), values.pop("end", 1)
    first = [name for name in _FIRST if name in values]
    for name in (*first, *(name for name in values if name not in _FIRST)):
        value = values[name]
        if name in PINNED or (value == 0 and name.startswith(MOSTLY_NOUGHT)):
            continue
        if name == "picture":
            yield "", named(str(value))
        elif name == "factor":
            yield "", f"{value}x"
        else:
            words = f"{value:g}" if isinstance(value, float) else str(value)
            yield "" if name in _BARE else said(name), said(words) if name in WORDED else words
    if (start, end) != (0, 1):
        yield said("from"), f"{start:g} {said('to')} {end:g}"
