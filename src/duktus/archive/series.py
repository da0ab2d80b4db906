"""Series and their cells. A series is recorded whole before its first picture is rendered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from duktus.archive import assets
from duktus.archive.schema import cells, recipes, series
from duktus.archive.times import now
from duktus.domain.base import Base
from duktus.domain.errors import NotFoundError
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
        )
    )
    for recipe in {recipe.hash: recipe for recipe in planned.recipes}.values():
        assets.add_recipe(connection, base, recipe)
    connection.execute(
        insert(cells),
        [
            {
                "series": planned.name,
                "position": position,
                "coordinates": json.dumps(list(coordinates)),
                "recipe_hash": recipe.hash,
                "asset": None,
            }
            for position, (coordinates, recipe) in enumerate(
                zip(planned.coordinates, planned.recipes, strict=True)
            )
        ],
    )


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
