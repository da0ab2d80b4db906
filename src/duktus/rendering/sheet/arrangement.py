"""Where every cell goes: the first axis runs across, the second down, further ones make panels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, product

from duktus.domain.errors import InputError
from duktus.domain.series import Axis, AxisValue
from duktus.rendering.sheet.cell import SheetCell

MAX_ACROSS = 8
"""Columns that leave a 128-pixel picture, twice enlarged, on one page; a single longer axis wraps."""

TEXT_AXES = frozenset({"prompt", "negative"})

Heading = tuple[str, str]
"""The name of an axis and one of its values, as words."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The cell one step back along an axis."""

    axis: str
    there: str
    here: str
    cell: SheetCell


@dataclass(frozen=True, slots=True)
class Slot:
    """One place on the sheet. ``cell`` is None when nothing is rendered there yet."""

    number: int
    """Counts all slots of the sheet from 1, in reading order."""
    headings: tuple[Heading, ...]
    """The place on every axis that varies, in the order of the series."""
    cell: SheetCell | None
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """A grid of slots under one heading: the values of the third and later axes."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Slot, ...], ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The whole sheet. Without ``across`` the slots follow each other and carry their own headings."""

    across: tuple[Heading, ...]
    down: tuple[Heading, ...]
    panels: tuple[Panel, ...]
    beside: int = 1
    """How many values the third axis has: panels that could stand beside each other."""

    @property
    def slots(self) -> Iterator[Slot]:
        """Every slot in reading order."""
        return (slot for panel in self.panels for row in panel.rows for slot in row)

    @property
    def columns(self) -> int:
        """The number of slots in the longest row of a panel."""
        return max((len(row) for panel in self.panels for row in panel.rows), default=1)


def value_words(value: AxisValue, among: Sequence[AxisValue] = ()) -> str:
    """A value as a person writes it; numbers of one axis get the same number of decimals (at most 4)."""
    if isinstance(value, str):
        return value
    places = max(_places(v) for v in (*among, value) if not isinstance(v, str))
    return f"{value:.{places}f}"


def _places(value: float) -> int:
    return len(f"{value:.4f}".rstrip("0").partition(".")[2])


def arrange(axes: Sequence[Axis], cells: Sequence[SheetCell]) -> Arrangement:
    """The arrangement of a series.

    Axes with one value do not vary and get no room. The order of the series holds, with two exceptions: with
    three or more axes seeds come last, because they repeat rather than change; and texts, or an axis of more
    than eight values beside a shorter one, run down. :class:`InputError` when a cell lies off the axes or two
    share a place.
    """
    if not axes:
        return _wrapped([Slot(i, (), cell) for i, cell in enumerate(cells, start=1)])
    places = _Places(tuple(axes), _by_place(axes, cells))
    order = _order(axes)
    if len(order) < 2 and not (order and 1 < len(axes[order[0]].values) <= MAX_ACROSS):
        return _wrapped([places.slot(dict.fromkeys(order, i)) for i in places.steps(order)])
    return places.grid(order)


def _wrapped(slots: Sequence[Slot]) -> Arrangement:
    rows = tuple(tuple(slots[i : i + MAX_ACROSS]) for i in range(0, len(slots), MAX_ACROSS))
    return Arrangement(across=(), down=(), panels=(Panel((), rows),))


def _by_place(axes: Sequence[Axis], cells: Sequence[SheetCell]) -> dict[tuple[int, ...], SheetCell]:
    found: dict[tuple[int, ...], SheetCell] = {}
    for cell in cells:
        try:
            place = tuple(axis.values.index(v) for axis, v in zip(axes, cell.coordinates, strict=True))
        except ValueError as error:
            raise InputError(
                f"The picture {cell.asset_id} has no place on this sheet.",
                f"Its coordinates {cell.coordinates} are not values of {', '.join(a.name for a in axes)}.",
                "Lay the sheet with the axes of the series the picture belongs to.",
            ) from error
        if place in found:
            raise InputError(
                f"The pictures {found[place].asset_id} and {cell.asset_id} share one place on the sheet.",
                f"Both have the coordinates {cell.coordinates}.",
            )
        found[place] = cell
    return found


def _order(axes: Sequence[Axis]) -> list[int]:
    """The indices of the axes that vary: across, down, then the panels."""
    order = [i for i, axis in enumerate(axes) if len(axis.values) > 1]
    if len(order) >= 3:
        order.sort(key=lambda i: axes[i].name == "seed")
    if len(order) >= 2:
        first, second = axes[order[0]], axes[order[1]]
        long = len(first.values) > MAX_ACROSS and len(second.values) < len(first.values)
        if second.name not in TEXT_AXES and (first.name in TEXT_AXES or long):
            order[0], order[1] = order[1], order[0]
    return order


class _Places:
    """Builds slots from positions on the axes, numbering them as they are asked for."""

    def __init__(self, axes: tuple[Axis, ...], found: Mapping[tuple[int, ...], SheetCell]) -> None:
        self._axes = axes
        self._found = found
        self._numbers = count(1)

    def steps(self, order: Sequence[int]) -> range:
        return range(len(self._axes[order[0]].values) if order else 1)

    def heading(self, axis: int, at: int) -> Heading:
        values = self._axes[axis].values
        return self._axes[axis].name, value_words(values[at], values)

    def slot(self, at: Mapping[int, int]) -> Slot:
        """The slot at a position per varying axis; axes that do not vary stand at their one value."""
        place = tuple(at.get(i, 0) for i in range(len(self._axes)))
        varying = sorted(at)
        return Slot(
            next(self._numbers),
            tuple(self.heading(i, at[i]) for i in varying),
            self._found.get(place),
            tuple(n for i in varying for n in self._back(i, place)),
        )

    def _back(self, axis: int, place: tuple[int, ...]) -> list[Neighbour]:
        before = (*place[:axis], place[axis] - 1, *place[axis + 1 :])
        cell = self._found.get(before)
        if cell is None:
            return []
        name, here = self.heading(axis, place[axis])
        return [Neighbour(name, self.heading(axis, before[axis])[1], here, cell)]

    def grid(self, order: Sequence[int]) -> Arrangement:
        across, down, outer = order[0], order[1:2], list(reversed(order[2:]))
        columns, rows = self.steps([across]), self.steps(down)
        panels: list[Panel] = []
        for fixed in product(*(self.steps([i]) for i in outer)):
            at = dict(zip(outer, fixed, strict=True))
            slots = tuple(
                tuple(self.slot({**at, **dict.fromkeys(down, row), across: column}) for column in columns)
                for row in rows
            )
            panels.append(Panel(tuple(self.heading(i, at[i]) for i in outer), slots))
        return Arrangement(
            across=tuple(self.heading(across, column) for column in columns),
            down=tuple(self.heading(i, row) for i in down for row in rows),
            panels=tuple(panels),
            beside=len(self._axes[order[2]].values) if outer else 1,
        )
