"""`duktus collection`: pictures put together by hand, across series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duktus.actions.names import checked_name
from duktus.actions.workspace import Workspace
from duktus.archive import collections, decisions, descents, pictures
from duktus.archive.collections import Summary
from duktus.domain.decision import Standing
from duktus.domain.descent import Aim, Subject
from duktus.domain.errors import InputError
from duktus.domain.foreign import Picture


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection with its pictures in order; ``standings`` is by their ids."""

    name: str
    pictures: tuple[Picture, ...]
    standings: dict[str, Standing]
    aim: Aim | None


def collect(workspace: Workspace, name: str, names: Sequence[str]) -> Collection:
    """Put pictures at the end of a collection, made when there is none; all or, if one is unknown, none."""
    checked = checked_name("collection", name)
    with workspace.archive.write() as connection:
        found = [pictures.named(connection, one).id for one in names]
        collections.add(connection, checked, found, author=workspace.author)
    return show_collection(workspace, name)


def take_out(workspace: Workspace, name: str, names: Sequence[str]) -> Collection:
    """Take pictures out of a collection; they stay in the archive."""
    with workspace.archive.write() as connection:
        found = [pictures.named(connection, one).id for one in names]
        inside = set(collections.members(connection, name))
        for picture_id in found:
            if picture_id not in inside:
                raise InputError(
                    f"{picture_id} is not in the collection '{name}'.",
                    f"It holds {len(inside)} pictures.",
                    f"duktus collection show {name} lists them.",
                )
        collections.remove(connection, name, found)
    return show_collection(workspace, name)


def place(workspace: Workspace, name: str, picture: str, to: int) -> Collection:
    """Put a picture of a collection at a place, counted from 1."""
    if to < 1:
        raise InputError(f"There is no place {to}.", "Places count from 1.", "Give for instance --to 1.")
    with workspace.archive.write() as connection:
        collections.members(connection, name)
        collections.move(connection, name, pictures.named(connection, picture).id, to)
    return show_collection(workspace, name)


def show_collection(workspace: Workspace, name: str) -> Collection:
    """One collection whole."""
    with workspace.archive.read() as connection:
        ids = collections.members(connection, name)
        listed = pictures.several(connection, ids)
        aims = descents.aims_of(connection, Subject.COLLECTION, [name])
        standings = decisions.standings(connection, ids)
    return Collection(name, tuple(listed.values()), standings, aims.get(name))


def list_collections(workspace: Workspace) -> list[Summary]:
    """All collections, oldest first."""
    with workspace.archive.read() as connection:
        return collections.everyone(connection)
