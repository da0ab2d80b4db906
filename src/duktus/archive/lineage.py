"""Where things come from: edges between hashes, from what was made to what it was made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive.schema import edges


class Kind(StrEnum):
    """How a thing came from another."""

    TAUGHT_FROM = "taught from"
    """style <- the file hash of a training picture"""
    TAUGHT_BESIDE = "taught beside"
    """style <- the file hash of a class picture, which it was to leave as it was"""
    TAUGHT_ON = "taught on"
    """style <- the weights of a base"""
    FITS = "fits"
    """style taught elsewhere <- the weights of the base it was brought in for"""
    BROUGHT_IN_FROM = "brought in from"
    """style taught elsewhere <- the hash of the file as it was given"""
    NAMES = "names"
    """recipe <- a style, the weights of a base, or the file hash of a picture it is made from"""
    WORDED_WITH = "worded with"
    """recipe <- a version of a snippet whose text is in its prompts"""
    RENDERED_FROM = "rendered from"
    """asset (file hash) <- recipe"""
    MADE_FROM = "made from"
    """a picture in the store that a recipe names <- the picture (file hash) whose pixels or lines it holds"""
    WENT_ON_FROM = "went on from"
    """asset (file hash) <- the asset (file hash) whose recipe was changed; what was changed: a descent"""


@dataclass(frozen=True, slots=True)
class Edge:
    """``child`` came from ``parent``; both are full SHA-256 hashes."""

    child: str
    parent: str
    kind: Kind


def add(connection: Connection, new: Iterable[Edge]) -> None:
    """Record edges; those already known stay as they are."""
    rows = [{"child": edge.child, "parent": edge.parent, "kind": str(edge.kind)} for edge in new]
    if rows:
        connection.execute(insert(edges).on_conflict_do_nothing(), rows)


def parents(connection: Connection, child: str) -> list[Edge]:
    """What a thing came from directly."""
    found = connection.execute(
        select(edges).where(edges.c.child == child).order_by(edges.c.kind, edges.c.parent)
    )
    return [Edge(row.child, row.parent, Kind(row.kind)) for row in found]


def ancestors(connection: Connection, child: str) -> list[Edge]:
    """Every edge on the way from a thing back to where it began, nearest first."""
    gone: list[Edge] = []
    seen: set[str] = set()
    front = [child]
    while front:
        step = [edge for item in front for edge in parents(connection, item)]
        seen.update(front)
        gone += step
        front = list(dict.fromkeys(edge.parent for edge in step if edge.parent not in seen))
    return gone


def children(connection: Connection, parent: str) -> list[Edge]:
    """What was made directly from a thing."""
    found = connection.execute(
        select(edges).where(edges.c.parent == parent).order_by(edges.c.kind, edges.c.child)
    )
    return [Edge(row.child, row.parent, Kind(row.kind)) for row in found]
