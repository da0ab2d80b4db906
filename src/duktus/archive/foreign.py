"""Pictures of other programs, kept as they were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive import catalogue
from duktus.archive.schema import foreign_pictures, foreign_sources
from duktus.domain.errors import NotFoundError
from duktus.domain.foreign import ForeignPicture

_SHORTEST = 6
"""Characters of an id that is looked for: ``f-`` and four digits."""
_AT_ONCE = 500
"""Ids in one query, well below SQLite's bound."""


def add(connection: Connection, picture: ForeignPicture) -> None:
    """Record a picture and where it was found; one already known stays as it is."""
    connection.execute(
        insert(foreign_pictures)
        .values(
            id=picture.id,
            file_hash=picture.file_hash,
            pixel_hash=picture.pixel_hash,
            tool=picture.tool,
            document=picture.model_dump_json(by_alias=True),
            created=picture.created.isoformat(),
        )
        .on_conflict_do_nothing()
    )
    catalogue.add_imported(connection, picture)
    add_source(connection, picture.file_hash, picture.source)


def add_source(connection: Connection, file_hash: str, source: str) -> None:
    """Record a further place where the same file was found."""
    connection.execute(
        insert(foreign_sources).values(file_hash=file_hash, source=source).on_conflict_do_nothing()
    )


def sources(connection: Connection, file_hash: str) -> list[str]:
    """Every place where that file was found, in order of the alphabet."""
    found = connection.execute(
        select(foreign_sources.c.source)
        .where(foreign_sources.c.file_hash == file_hash)
        .order_by(foreign_sources.c.source)
    )
    return list(found.scalars())


def by_file_hash(connection: Connection, file_hash: str) -> ForeignPicture | None:
    """The picture whose file has that SHA-256, or None."""
    row = connection.execute(
        select(foreign_pictures.c.document).where(foreign_pictures.c.file_hash == file_hash)
    ).first()
    return None if row is None else _picture(row)


def get(connection: Connection, name: str) -> ForeignPicture:
    """The picture with that id, or whose id alone begins with it; :class:`NotFoundError`."""
    found: list[Row[*tuple[Any, ...]]] = []
    if len(name) >= _SHORTEST and "%" not in name and "_" not in name:
        wanted = select(foreign_pictures.c.document).where(foreign_pictures.c.id.like(f"{name}%"))
        found = list(connection.execute(wanted.limit(2)))
    if len(found) == 1:
        return _picture(found[0])
    raise NotFoundError(
        f"No imported picture is known as '{name}'.",
        "Its id begins with more than one." if found else f"The workspace holds {count(connection)}.",
        "duktus import FOLDER lists the ids of what it takes in.",
    )


def several(connection: Connection, ids: Sequence[str]) -> dict[str, ForeignPicture]:
    """The pictures with those whole ids, by id; ids that are not known are left out."""
    found: dict[str, ForeignPicture] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        rows = connection.execute(select(foreign_pictures.c.document).where(foreign_pictures.c.id.in_(some)))
        found.update({one.id: one for one in map(_picture, rows)})
    return found


def everyone(connection: Connection) -> list[ForeignPicture]:
    """Every imported picture, oldest first."""
    found = connection.execute(
        select(foreign_pictures.c.document).order_by(foreign_pictures.c.created, foreign_pictures.c.id)
    )
    return [_picture(row) for row in found]


def count(connection: Connection) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(foreign_pictures)).scalar_one()


def _picture(row: Row[*tuple[Any, ...]]) -> ForeignPicture:
    return ForeignPicture.model_validate_json(row.document)
