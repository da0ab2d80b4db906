"""Axes laid over each other: crossed, or zipped to go together; and cells left out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from duktus.actions.recipes.wording import Worded
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.series import Axis, AxisValue

MAX_CELLS = 10_000
TOGETHER = " + "
"""Between the names, and the values, of axes that are zipped."""

Options = Mapping[str, Sequence[Any]]
"""The values of everything that can vary, in the order of the sheet."""

Point = dict[str, Any]
"""One value of everything that can vary."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """The cells of a sweep: their axes, their places on them, and what each is made of."""

    axes: tuple[Axis, ...]
    coordinates: tuple[tuple[AxisValue, ...], ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Dimension:
    """One axis, or several that go together; each row has one value for each name."""

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def shown(self, row: tuple[Any, ...]) -> AxisValue:
        return shown(row[0]) if len(row) == 1 else TOGETHER.join(_words(shown(value)) for value in row)


def cross(
    options: Options,
    zipped: Sequence[Sequence[str]] = (),
    skipped: Sequence[Sequence[tuple[str, str]]] = (),
) -> Crossed:
    """Every combination of the options, row by row, those named in ``zipped`` value by value; without the
    cells that have all values of one set of ``skipped``. An option of one value makes no axis.
    """
    dimensions = _dimensions(options, zipped)
    total = math.prod(len(one.rows) for one in dimensions)
    if total > MAX_CELLS:
        raise InputError(
            f"This sweep has {total} cells.",
            f"One series holds at most {MAX_CELLS}.",
            "Split it, or take fewer values on an axis.",
        )
    left_out = [_conditions(options, one) for one in skipped]
    varying = [place for place, one in enumerate(dimensions) if len(one.rows) > 1]
    coordinates: list[tuple[AxisValue, ...]] = []
    points: list[Point] = []
    for rows in itertools.product(*(one.rows for one in dimensions)):
        point: Point = {}
        for dimension, row in zip(dimensions, rows, strict=True):
            point.update(zip(dimension.names, row, strict=True))
        if any(all(shown(point[name]) in values for name, values in one) for one in left_out):
            continue
        coordinates.append(tuple(dimensions[place].shown(rows[place]) for place in varying))
        points.append(point)
    if not points:
        raise InputError("Every cell of this sweep is skipped.", "", "Take a --skip away.")
    axes = tuple(
        Axis(
            name=TOGETHER.join(dimensions[place].names),
            values=tuple(dimensions[place].shown(row) for row in dimensions[place].rows),
        )
        for place in varying
    )
    return Crossed(axes, tuple(coordinates), tuple(points))


def _words(value: AxisValue) -> str:
    """A number without a needless fraction: 3 and 3.0 are one value."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def shown(value: Any) -> AxisValue:
    """A value as the series keeps it."""
    if isinstance(value, tuple):
        return "x".join(str(side) for side in value)
    if isinstance(value, (Sampler, Schedule)):
        return value.value
    if isinstance(value, Worded):
        return value.text
    return value


def _dimensions(options: Options, zipped: Sequence[Sequence[str]]) -> list[_Dimension]:
    groups = [tuple(_name(options, name, "zip") for name in group) for group in zipped]
    named = [name for group in groups for name in group]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"The axis '{twice}' is zipped twice.", "", "Name it in one --zip only.")
    found: list[_Dimension] = []
    for name, values in options.items():
        group = next((group for group in groups if name in group), None)
        if group is None:
            found.append(_Dimension((name,), tuple((value,) for value in values)))
        elif name == group[0]:
            found.append(_together(options, group))
    return found


def _together(options: Options, group: tuple[str, ...]) -> _Dimension:
    lengths = [len(options[name]) for name in group]
    if len(group) < 2 or len(set(lengths)) > 1:
        counted = ", ".join(f"{name} has {n}" for name, n in zip(group, lengths, strict=True))
        raise InputError(
            f"{TOGETHER.join(group)} cannot be zipped.",
            f"Zipped axes go value by value, so two or more need as many values each: {counted}.",
            "Give them equally many values, or leave --zip out to cross them.",
        )
    return _Dimension(group, tuple(zip(*(options[name] for name in group), strict=True)))


def _conditions(options: Options, skip: Sequence[tuple[str, str]]) -> list[tuple[str, frozenset[AxisValue]]]:
    found: list[tuple[str, frozenset[AxisValue]]] = []
    for name, text in skip:
        axis = _name(options, name, "skip")
        there = [shown(value) for value in options[axis]]
        fitting = frozenset(value for value in there if _same(value, text))
        if not fitting:
            raise InputError(
                f"skip '{name}={text}' leaves out nothing.",
                f"The values of {axis} are {', '.join(str(value) for value in there[:20])}.",
                "Name one of them.",
            )
        found.append((axis, fitting))
    return found


def _same(value: AxisValue, text: str) -> bool:
    if isinstance(value, str):
        return value.casefold() == text.casefold()
    try:
        return float(text) == value
    except ValueError:
        return False


def _name(options: Options, name: str, option: str) -> str:
    """The axis meant: its name, or the beginning of one alone (``replace`` for ``replace red hair``)."""
    if name in options:
        return name
    begun = [known for known in options if known.startswith(f"{name} ")]
    if len(begun) == 1:
        return begun[0]
    near = get_close_matches(name, options, 1)
    raise InputError(
        f"{option} names '{name}', which is no axis of this sweep.",
        f"Its axes are {', '.join(options)}.",
        f"Did you mean '{near[0]}'?" if near else "Name one of them.",
    )
