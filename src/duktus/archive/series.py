"""Series and their cells. A series is recorded whole before its first picture is rendered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from duktus.archive import assets
from duktus.archive.schema import cells, recipes, series
from duktus.archive.times import now
from duktus.domain.base import Base
from duktus.domain.errors import ConflictError, NotFoundError
from duktus.domain.recipe import Recipe
from duktus.domain.series import Axis, AxisValue, Cell, Series


@dataclass(frozen=True, slots=True)
class Planned:
    """A series before it is rendered: ``plan`` is the hash of its axes and recipes."""

    name: str
    plan: str
    axes: tuple[Axis, ...]
    coordinates: tuple[tuple[AxisValue, ...], ...]
    recipes: tuple[Recipe, ...]
    notes: tuple[str, ...] = ()
    bases: Mapping[str, Base] = field(default_factory=dict[str, Base])
    """By the hash of their weights, where the recipes name several."""
    definition: str | None = None
    """Its sweep file."""


def plan_of(connection: Connection, name: str) -> str | None:
    """The plan of the series of that name, or None when there is none."""
    return connection.execute(select(series.c.plan).where(series.c.name == name)).scalar()


def add(connection: Connection, base: Base, planned: Planned) -> None:
    """Record a series with all its cells, none of them rendered yet."""
    connection.execute(
        insert(series).values(
            name=planned.name,
            plan=planned.plan,
            axes=json.dumps([axis.model_dump(mode="json") for axis in planned.axes]),
            notes=json.dumps(list(planned.notes)),
            created=now().isoformat(),
            definition=planned.definition,
        )
    )
    _add_recipes(connection, base, planned)
    rows = zip(planned.coordinates, planned.recipes, strict=True)
    connection.execute(insert(cells), [_row(planned.name, place, *row) for place, row in enumerate(rows)])


def extend(connection: Connection, base: Base, planned: Planned) -> int:
    """Make a series what ``planned`` says, keeping every picture it has: known cells find their place on the
    new axes, further ones follow at the end. How many are new.

    Raises:
        ConflictError: a cell of the series is not in the plan.
    """
    left: dict[str, list[int]] = {}
    known = connection.execute(
        select(cells.c.position, cells.c.recipe_hash)
        .where(cells.c.series == planned.name)
        .order_by(cells.c.position)
    ).all()
    for row in known:
        left.setdefault(row.recipe_hash, []).append(row.position)
    _add_recipes(connection, base, planned)
    new: list[dict[str, Any]] = []
    for coordinates, recipe in zip(planned.coordinates, planned.recipes, strict=True):
        places = left.get(recipe.hash)
        if places:
            connection.execute(
                update(cells)
                .where(cells.c.series == planned.name, cells.c.position == places.pop(0))
                .values(coordinates=json.dumps(list(coordinates)))
            )
        else:
            new.append(_row(planned.name, len(known) + len(new), coordinates, recipe))
    lost = sum(len(places) for places in left.values())
    if lost:
        raise ConflictError(
            f"{lost} of {len(known)} pictures of '{planned.name}' would have no place any more.",
            "What the series was made of has changed since: its base, a style or a default.",
            "Begin a new series with --name.",
        )
    if new:
        connection.execute(insert(cells), new)
    connection.execute(
        update(series)
        .where(series.c.name == planned.name)
        .values(
            plan=planned.plan,
            axes=json.dumps([axis.model_dump(mode="json") for axis in planned.axes]),
            definition=planned.definition,
        )
    )
    return len(new)


def _add_recipes(connection: Connection, base: Base, planned: Planned) -> None:
    for recipe in {recipe.hash: recipe for recipe in planned.recipes}.values():
        assets.add_recipe(connection, planned.bases.get(recipe.base.weights, base), recipe)


def _row(name: str, position: int, coordinates: tuple[AxisValue, ...], recipe: Recipe) -> dict[str, Any]:
    return {
        "series": name,
        "position": position,
        "coordinates": json.dumps(list(coordinates)),
        "recipe_hash": recipe.hash,
        "asset": None,
    }


def definition_of(connection: Connection, name: str) -> str | None:
    """The sweep file a series keeps of itself; None when there is no such series, or an old one."""
    return connection.execute(select(series.c.definition).where(series.c.name == name)).scalar()


def fill(connection: Connection, name: str, position: int, asset_id: str) -> None:
    """Say which asset a cell was rendered as."""
    connection.execute(
        update(cells).where(cells.c.series == name, cells.c.position == position).values(asset=asset_id)
    )


def annotate(connection: Connection, name: str, notes: tuple[str, ...]) -> None:
    """Replace the notes of a series."""
    connection.execute(update(series).where(series.c.name == name).values(notes=json.dumps(list(notes))))


def get(connection: Connection, name: str) -> Series:
    """The series of that name with its cells in order; :class:`NotFoundError` naming the nearest one."""
    row = connection.execute(select(series).where(series.c.name == name)).first()
    if row is None:
        names = list(connection.execute(select(series.c.name).order_by(series.c.name)).scalars())
        near = get_close_matches(name, names, 1)
        known = f"Did you mean '{near[0]}'?" if near else (f"Known: {', '.join(names)}." if names else "")
        raise NotFoundError(
            f"No series is named '{name}'.",
            known or "This workspace has no series yet.",
            "duktus series list shows them; duktus sweep makes one.",
        )
    found = connection.execute(
        select(cells.c.position, cells.c.coordinates, cells.c.asset, recipes.c.id)
        .join_from(cells, recipes)
        .where(cells.c.series == name)
        .order_by(cells.c.position)
    )
    return Series(
        name=name,
        axes=tuple(Axis.model_validate(axis) for axis in json.loads(row.axes)),
        notes=tuple(json.loads(row.notes)),
        created=datetime.fromisoformat(row.created),
        cells=tuple(
            Cell(
                index=cell.position,
                coordinates=tuple(json.loads(cell.coordinates)),
                recipe_id=cell.id,
                asset_id=cell.asset,
            )
            for cell in found
        ),
    )


def holding(connection: Connection, asset_id: str) -> list[str]:
    """The names of the series in which an asset stands."""
    found = connection.execute(
        select(cells.c.series).where(cells.c.asset == asset_id).distinct().order_by(cells.c.series)
    )
    return list(found.scalars())


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list of series."""

    name: str
    cells: int
    rendered: int
    created: datetime


def everyone(connection: Connection) -> list[Summary]:
    """All series, oldest first."""
    rows = connection.execute(
        select(series.c.name, series.c.created, func.count(cells.c.position), func.count(cells.c.asset))
        .join_from(series, cells, isouter=True)
        .group_by(series.c.name)
        .order_by(series.c.created, series.c.name)
    )
    return [Summary(row[0], row[2], row[3], datetime.fromisoformat(row[1])) for row in rows]
