"""Reading what people write for a setting that may take several values.

Numbers: lists and ranges, ``0.8,1.0,1.2``, ``0..1/5`` (five values from 0 to 1, both ends included),
``1..4`` (each whole number), a pattern that goes on ``1, 2, .., 10``, and mixtures ``0,0.5..1/3``. Names and
texts: separated by ``|``, or the option given several times; a ``|`` between braces or
square brackets belongs to the text.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule

NamedT = TypeVar("NamedT", bound=StrEnum)

MAX_VALUES = 1000
"""On one axis; a longer range is a slip of the pen."""

_TOLERANCE = 1e-6
"""How near to a whole number of steps counts as one: 0.1 has no exact binary form."""

_RANGE = re.compile(r"^(?P<first>.+?)\.\.(?P<last>[^/]+)(?:/(?P<count>.*))?$")


def numbers(option: str, text: str, *, whole: bool = False) -> list[float]:
    """The numbers in ``text``, in the order written, repeats removed.

    ``option`` is the name in the error (``strength``). ``whole`` allows whole numbers only.
    """
    values: list[float] = []
    pieces = [piece.strip() for piece in text.split(",")]
    for place, piece in enumerate(pieces):
        if piece in {"..", "..."}:
            values += _going_on(option, text, values, pieces[place + 1 :], whole=whole)
        else:
            values += _piece(option, piece, whole=whole)
    if len(values) > MAX_VALUES:
        raise InputError(
            f"{option} '{text}' makes {len(values)} values.",
            f"An axis takes at most {MAX_VALUES}.",
            "Name a shorter list, or the number of values: 0..1/5.",
        )
    return list(dict.fromkeys(values))


def whole_numbers(option: str, text: str) -> list[int]:
    """The whole numbers in ``text``."""
    return [int(value) for value in numbers(option, text, whole=True)]


def _piece(option: str, piece: str, *, whole: bool) -> list[float]:
    match = _RANGE.match(piece)
    if match is None:
        return [_number(option, piece, whole=whole)]
    first = _number(option, match["first"].strip(), whole=whole)
    last = _number(option, match["last"].strip(), whole=whole)
    if match["count"] is None:
        if first != int(first) or last != int(last) or (not whole and abs(last - first) < 1):
            raise InputError(
                f"{option} range '{piece}' does not say how many values it has.",
                "Only a range between whole numbers can do without.",
                f"Write for instance {piece}/5 for five values, both ends included.",
            )
        step = 1 if last >= first else -1
        if abs(last - first) > MAX_VALUES:
            raise InputError(
                f"{option} range '{piece}' makes more than {MAX_VALUES} values.",
                "Each of them would be rendered.",
                f"Write for instance {piece}/5 for five values, both ends included.",
            )
        return [float(value) for value in range(int(first), int(last) + step, step)]
    count = _count(option, piece, match["count"].strip())
    if count == 1:
        return [first]
    spread = [round(first + (last - first) * i / (count - 1), 10) for i in range(count)]
    return [float(round(value)) for value in spread] if whole else spread


def _going_on(
    option: str, text: str, before: Sequence[float], after: Sequence[str], *, whole: bool
) -> list[float]:
    """What ``..`` stands for in ``1, 2, .., 10``: the same step, up to but without the value after it."""
    if len(before) < 2 or not after:
        raise InputError(
            f"{option} '{text}' does not say how the values go on.",
            "Two dots follow two values, whose distance is the step, and come before the last one.",
            "Write for instance 1, 2, .., 10.",
        )
    start, step, last = before[-1], before[-1] - before[-2], _number(option, after[0], whole=whole)
    steps = (last - start) / step if step else 0.0
    if steps < 1 or abs(steps - round(steps)) > _TOLERANCE:
        raise InputError(
            f"{option} '{text}' does not arrive at {after[0]}.",
            f"Steps of {step:.6g} from {start:.6g} do not meet it.",
            f"Write for instance {start:.6g}..{after[0]}/5 for five values, or a last one that they meet.",
        )
    if steps > MAX_VALUES:
        raise InputError(
            f"{option} '{text}' makes more than {MAX_VALUES} values.",
            "Each of them would be rendered.",
            "Take a larger step.",
        )
    return [round(start + step * number, 10) for number in range(1, round(steps))]


def _count(option: str, piece: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_VALUES:
        raise InputError(
            f"{option} range '{piece}' does not say how many values it has: '{text}'.",
            f"After the / stands a whole number from 1 to {MAX_VALUES}.",
            "Write for instance 0..1/5 for five values, both ends included.",
        )
    return int(text)


def _number(option: str, text: str, *, whole: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        example = "1,2,3 or 1..4" if whole else "0.8,1.0,1.2 or 0..1/5"
        raise InputError(
            f"{option} '{text}' is not {kind}.",
            f"{option} takes numbers, lists of them, and ranges.",
            f"Write for instance --{option} {example}.",
        )
    return value


def texts(given: Sequence[str]) -> list[str]:
    """Texts given several times or separated by ``|``, without surrounding spaces, repeats removed.

    A ``|`` between braces or square brackets, or after a backslash, does not separate.
    """
    return list(dict.fromkeys(part.strip() for text in given for part in _separated(text)))


def _separated(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        if place and text[place - 1] == "\\":
            continue
        depth += (letter in "{[") - (letter in "}]" and depth > 0)
        if letter == "|" and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def search_replace(text: str) -> tuple[str, ...]:
    """The values of a prompt search and replace as A1111 reads them: separated by commas, a value with
    commas in double quotes; the first is what is searched for, and stands for the prompt as it is.
    """
    row = next(csv.reader(io.StringIO(text), skipinitialspace=True), [])
    values = tuple(dict.fromkeys(value.strip() for value in row))
    if len(values) < 2 or not values[0]:
        raise InputError(
            f"replace '{text}' does not say what to put in place of what.",
            "The first value is searched for in the prompt; the others replace it.",
            "Write for instance --replace 'red hair, brown hair, grey hair'.",
        )
    return values


def samplers(given: Sequence[str]) -> list[Sampler]:
    """The samplers named; :class:`InputError` naming the nearest for one that does not exist."""
    return [_named("sampler", Sampler, name) for name in texts(given)]


def schedules(given: Sequence[str]) -> list[Schedule]:
    """The schedules named; :class:`InputError` naming the nearest for one that does not exist."""
    return [_named("schedule", Schedule, name) for name in texts(given)]


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.casefold())


def _named(option: str, kind: type[NamedT], name: str) -> NamedT:
    known = {_folded(member.value): member for member in kind}
    found = known.get(_folded(name))
    if found is None:
        near = get_close_matches(_folded(name), known, 1)
        next_step = f"Did you mean '{known[near[0]].value}'?" if near else f"Choose one with --{option}."
        if kind is Sampler and (both := _with_schedule(name)) is not None:
            next_step = (
                f"Two settings are in that name: --sampler '{both[0].value}' --schedule {both[1].value}."
            )
        raise InputError(
            f"{option} '{name}' is unknown.",
            f"Known: {', '.join(member.value for member in kind)}.",
            next_step,
        )
    return found


def _with_schedule(name: str) -> tuple[Sampler, Schedule] | None:
    """The two in a name such as ``DPM++ 2M Karras``, as A1111 called them up to 1.8."""
    for schedule in Schedule:
        first = _folded(name).removesuffix(_folded(schedule.value))
        for sampler in Sampler:
            if first == _folded(sampler.value):
                return sampler, schedule
    return None


def sizes(text: str) -> list[tuple[int, int]]:
    """Sizes in pixels as (width, height): ``128x160``, ``128`` for a square, lists with commas."""
    found: list[tuple[int, int]] = []
    for piece in text.split(","):
        parts = piece.strip().lower().replace("×", "x").split("x")  # noqa: RUF001 - people paste it
        if len(parts) > 2 or not all(part.strip().isdecimal() for part in parts):
            raise InputError(
                f"size '{piece.strip()}' is not a size.",
                "A size is width x height in pixels.",
                "Write for instance --size 128x160, or --size 128 for a square.",
            )
        width, height = int(parts[0]), int(parts[-1])
        for side in (width, height):
            if side % 8 or not 64 <= side <= 8192:
                raise InputError(
                    f"size '{piece.strip()}' cannot be rendered.",
                    f"{side} is not a multiple of 8 between 64 and 8192.",
                    f"Take for instance {min(8192, max(64, round(side / 8) * 8))}.",
                )
        found.append((width, height))
    return list(dict.fromkeys(found))


def names(text: str) -> list[str]:
    """Names of axes, separated by commas."""
    return [name.strip() for name in text.split(",")]


def pairs(option: str, text: str) -> tuple[tuple[str, str], ...]:
    """``strength=0, cfg=5`` as (name, value) pairs."""
    found: list[tuple[str, str]] = []
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InputError(
                f"{option} '{text}' does not name an axis and a value.",
                f"'{piece.strip()}' has no = between the two.",
                f"Write for instance --{option} 'strength=0, cfg=5'.",
            )
        found.append((name.strip(), value.strip()))
    return tuple(found)


def style_strength(text: str) -> tuple[str, float]:
    """A style's name and strength from ``NAME:STRENGTH``, or from ``NAME`` alone at strength 1; what follows
    a second colon is left to :func:`style_text_strength`.
    """
    name, colon, rest = text.partition(":")
    return name, numbers("strength", rest.partition(":")[0])[0] if colon else 1.0


def style_text_strength(text: str) -> tuple[str, float] | None:
    """A style's name and the strength of its text-encoder part from ``NAME:STRENGTH:TEXT``; else None."""
    name, _, rest = text.partition(":")
    _, colon, strength = rest.partition(":")
    return (name, numbers("text strength", strength)[0]) if colon else None
