"""Every picture of the archive, ours or imported, by its id."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from duktus.archive import assets, foreign, lineage
from duktus.archive.lineage import Kind
from duktus.archive.store import file_sha256
from duktus.domain.errors import NotFoundError
from duktus.domain.foreign import Picture

IMPORTED = "f-"
"""How the ids of imported pictures begin."""


def named(connection: Connection, name: str) -> Picture:
    """The picture behind an id, the beginning of one, or a path to its file, wherever a copy of it lies."""
    path = Path(name)
    if not path.is_file():
        return foreign.get(connection, name) if name.startswith(IMPORTED) else assets.get(connection, name)
    file_hash = file_sha256(path)
    found = assets.by_file_hash(connection, file_hash) or foreign.by_file_hash(connection, file_hash)
    if found is None:
        raise NotFoundError(
            f"{path} is not a picture of this workspace.",
            "It is from elsewhere, or another program has changed it since.",
            f"duktus import {path} takes it in; duktus series show NAME lists the pictures of a series.",
        )
    return found


def several(connection: Connection, ids: Iterable[str]) -> dict[str, Picture]:
    """The pictures with those whole ids, by id and in that order; ids that are not known are left out."""
    wanted = list(dict.fromkeys(ids))
    own = assets.several(connection, [one for one in wanted if not one.startswith(IMPORTED)])
    imported = foreign.several(connection, [one for one in wanted if one.startswith(IMPORTED)])
    found: dict[str, Picture] = {**own, **imported}
    return {one: found[one] for one in wanted if one in found}


def behind(connection: Connection, file_hash: str) -> Picture | None:
    """The picture with that file, or the one whose pixels or lines that file holds; None for neither."""
    made_from = (one.parent for one in lineage.parents(connection, file_hash) if one.kind is Kind.MADE_FROM)
    for one in (file_hash, *made_from):
        found = assets.by_file_hash(connection, one) or foreign.by_file_hash(connection, one)
        if found is not None:
            return found
    return None


def ids_of(connection: Connection, file_hashes: Iterable[str]) -> dict[str, str]:
    """The ids of the pictures behind files that recipes name, by file hash; files of none are left out."""
    found = {one: behind(connection, one) for one in dict.fromkeys(file_hashes)}
    return {one: picture.id for one, picture in found.items() if picture is not None}
