"""What a person looks for among their pictures."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from duktus.domain.decision import Label
from duktus.domain.errors import InputError

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(_Frozen):
    """A range of numbers, both ends included; None leaves an end open."""

    least: float | None = None
    most: float | None = None


class Order(StrEnum):
    """In which order pictures are listed; equal ones newest first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    STARS = "stars"
    CFG = "cfg"
    STRENGTH = "strength"


class Query(_Frozen):
    """Every condition that is given has to hold; an empty query finds everything."""

    words: str = ""
    """In the prompt: all of them; ``"in this order"``, ``begin*`` and ``-without`` are understood."""
    negative_words: str = ""
    """In the negative prompt, written likewise."""
    base: str | None = None
    style: str | None = None
    strength: Span | None = None
    """Of ``style``, or of the first style when none is named."""
    cfg: Span | None = None
    steps: Span | None = None
    seed: Span | None = None
    sampler: str | None = Field(default=None, max_length=200)
    """Under our name, or for imported pictures as their program writes it; likewise ``schedule``."""
    schedule: str | None = Field(default=None, max_length=200)
    tool: str | None = Field(default=None, max_length=40)
    """The program that made an imported picture; ``imported``, ``unknown``, or ``here`` for our own."""
    size: tuple[int, int] | None = None
    """Width and height in pixels."""
    decision: Literal["keep", "discard", "undecided"] | None = None
    stars: Span | None = None
    label: Label | None = None
    """``none`` finds pictures without a label."""
    since: str | None = Field(default=None, pattern=f"^{_DATE.pattern}$")
    until: str | None = Field(default=None, pattern=f"^{_DATE.pattern}$")
    """Year, month or day (UTC), included whole."""
    series: str | None = None
    collection: str | None = None
    order: Order = Order.NEWEST


def span(option: str, text: str) -> Span:
    """A range as people write it: ``3.8..4.4``, ``4``, ``4..`` (at least), ``..4`` (at most).

    ``option`` is the name in the error.
    """
    first, dots, last = text.partition("..")
    least = _number(option, text, first)
    most = _number(option, text, last) if dots else least
    if least is None and most is None:
        raise _not_a_range(option, text)
    if least is not None and most is not None and least > most:
        least, most = most, least
    return Span(least=least, most=most)


def date(option: str, text: str) -> str:
    """A year, a month or a day, as ``2026``, ``2026-03`` or ``2026-03-14``."""
    if not _DATE.fullmatch(text.strip()):
        raise InputError(
            f"{option} '{text}' is not a date.",
            "A date is a year, a month or a day.",
            f"Write for instance --{option} 2026-03-14, or --{option} 2026-03.",
        )
    return text.strip()


def _number(option: str, text: str, part: str) -> float | None:
    if not part.strip():
        return None
    try:
        return float(part)
    except ValueError as error:
        raise _not_a_range(option, text) from error


def _not_a_range(option: str, text: str) -> InputError:
    return InputError(
        f"{option} '{text}' is not a range of numbers.",
        "A range has a least and a most, and either may be left open.",
        f"Write for instance --{option} 3.8..4.4, --{option} 4, --{option} 4.. or --{option} ..4.",
    )
