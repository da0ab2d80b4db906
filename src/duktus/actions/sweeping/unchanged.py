"""Does every axis of a sweep do something? Neighbouring cells with equal pixels say it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from duktus.domain.series import Axis, AxisValue, Cell


def unchanged_axes(
    axes: Sequence[Axis], cells: Sequence[Cell], pixel_hashes: Mapping[str, str]
) -> tuple[str, ...]:
    """One sentence per axis along which neighbours came out identical. ``pixel_hashes`` is by asset id."""
    at = {
        cell.coordinates: pixel_hashes[cell.asset_id]
        for cell in cells
        if cell.asset_id and cell.asset_id in pixel_hashes
    }
    notes: list[str] = []
    for place, axis in enumerate(axes):
        pairs = _pairs(at, place, axis)
        same = [pair for pair in pairs if pair[2]]
        if same and len(same) == len(pairs):
            notes.append(f"{axis.name} changed nothing: all neighbouring pictures along it are identical.")
        elif same:
            between = dict.fromkeys(f"{first} and {second}" for first, second, _ in same)
            where = "; ".join(list(between)[:5])
            notes.append(
                f"{axis.name} made no difference in {len(same)} of {len(pairs)} places (between {where})."
            )
    return tuple(notes)


def _pairs(
    at: Mapping[tuple[AxisValue, ...], str], place: int, axis: Axis
) -> list[tuple[AxisValue, AxisValue, bool]]:
    found: list[tuple[AxisValue, AxisValue, bool]] = []
    following = dict(zip(axis.values, axis.values[1:], strict=False))
    for coordinates, pixels in at.items():
        value = coordinates[place]
        if value not in following:
            continue
        other = at.get((*coordinates[:place], following[value], *coordinates[place + 1 :]))
        if other is not None:
            found.append((value, following[value], other == pixels))
    return found
