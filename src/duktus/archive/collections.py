"""Collections: pictures put together by hand, across series, in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from duktus.archive.schema import collection_members, collections
from duktus.archive.times import now
from duktus.domain.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list of collections."""

    name: str
    pictures: int
    created: datetime


def has(connection: Connection, name: str) -> bool:
    """Whether there is a collection of that name."""
    return (
        connection.execute(select(collections.c.name).where(collections.c.name == name)).first() is not None
    )


def members(connection: Connection, name: str) -> list[str]:
    """The ids of its assets in order; :class:`NotFoundError` naming the nearest collection."""
    if not has(connection, name):
        raise _unknown(connection, name)
    rows = connection.execute(
        select(collection_members.c.asset)
        .where(collection_members.c.collection == name)
        .order_by(collection_members.c.place)
    )
    return list(rows.scalars())


def add(connection: Connection, name: str, asset_ids: Sequence[str], *, author: str) -> int:
    """Put assets at the end, making the collection when there is none; how many were not in it yet."""
    created = now().isoformat()
    connection.execute(
        insert(collections).values(name=name, author=author, created=created).on_conflict_do_nothing()
    )
    there = members(connection, name)
    new = [asset for asset in dict.fromkeys(asset_ids) if asset not in set(there)]
    if new:
        connection.execute(
            insert(collection_members),
            [
                {"collection": name, "asset": asset, "place": place, "author": author, "added": created}
                for place, asset in enumerate(new, start=len(there) + 1)
            ],
        )
    return len(new)


def remove(connection: Connection, name: str, asset_ids: Sequence[str]) -> int:
    """Take assets out; how many were in it. The pictures themselves stay."""
    there = members(connection, name)
    gone = set(asset_ids) & set(there)
    connection.execute(
        delete(collection_members).where(
            collection_members.c.collection == name, collection_members.c.asset.in_(gone)
        )
    )
    _arrange(connection, name, [asset for asset in there if asset not in gone])
    return len(gone)


def move(connection: Connection, name: str, asset_id: str, place: int) -> None:
    """Put an asset at a place counted from 1; one beyond the end is the end."""
    there = members(connection, name)
    if asset_id not in there:
        raise NotFoundError(
            f"{asset_id} is not in the collection '{name}'.",
            f"It holds {len(there)} picture{'' if len(there) == 1 else 's'}.",
            f"Put it in first: duktus collection add {name} {asset_id}.",
        )
    there.remove(asset_id)
    there.insert(max(0, place - 1), asset_id)
    _arrange(connection, name, there)


def holding(connection: Connection, asset_id: str) -> list[str]:
    """The names of the collections in which an asset is."""
    found = connection.execute(
        select(collection_members.c.collection)
        .where(collection_members.c.asset == asset_id)
        .order_by(collection_members.c.collection)
    )
    return list(found.scalars())


def everyone(connection: Connection) -> list[Summary]:
    """All collections, oldest first."""
    rows = connection.execute(
        select(collections.c.name, collections.c.created, func.count(collection_members.c.asset))
        .join_from(collections, collection_members, isouter=True)
        .group_by(collections.c.name)
        .order_by(collections.c.created, collections.c.name)
    )
    return [Summary(row[0], row[2], datetime.fromisoformat(row[1])) for row in rows]


def _arrange(connection: Connection, name: str, order: Sequence[str]) -> None:
    for place, asset in enumerate(order, start=1):
        connection.execute(
            update(collection_members)
            .where(collection_members.c.collection == name, collection_members.c.asset == asset)
            .values(place=place)
        )


def _unknown(connection: Connection, name: str) -> NotFoundError:
    names = list(connection.execute(select(collections.c.name).order_by(collections.c.name)).scalars())
    near = get_close_matches(name, names, 1)
    known = f"Did you mean '{near[0]}'?" if near else (f"Known: {', '.join(names)}." if names else "")
    return NotFoundError(
        f"No collection is named '{name}'.",
        known or "This workspace has no collection yet.",
        "duktus collection list shows them; duktus collection add NAME ASSET makes one.",
    )
