"""`duktus search`: finding pictures by what is in their recipes and what was decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from duktus.actions.names import checked_name
from duktus.actions.workspace import Workspace
from duktus.archive import catalogue, collections, decisions, pictures, saved_searches, search, series
from duktus.domain import axes
from duktus.domain.decision import Standing
from duktus.domain.errors import InputError, NotFoundError
from duktus.domain.foreign import Picture
from duktus.domain.query import Query

PER_PAGE = 50
MOST_PER_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what was found. ``standings`` is by their ids."""

    query: Query
    pictures: tuple[Picture, ...]
    standings: dict[str, Standing]
    number: int
    more: bool
    """Whether there is a further page."""


def find(workspace: Workspace, query: Query, *, page: int = 1, per_page: int = PER_PAGE) -> Page:
    """One page of the pictures for which every condition holds."""
    if page < 1 or not 1 <= per_page <= MOST_PER_PAGE:
        raise InputError(
            f"There is no page {page} with {per_page} pictures.",
            f"Pages count from 1 and hold 1 to {MOST_PER_PAGE} pictures.",
            "Give for instance --page 1 --per-page 50.",
        )
    with workspace.archive.read() as connection:
        if query.series is not None:
            series.get(connection, query.series)  # an unknown name is an error, not an empty page
        if query.collection is not None:
            collections.members(connection, query.collection)
        for column, read in (("sampler", axes.samplers), ("schedule", axes.schedules)):
            value = getattr(query, column)
            if value and not catalogue.has(connection, column, value):
                read([value])  # refuses what is no name of ours either, and says which may be meant
        found = search.find(connection, query, limit=per_page, offset=(page - 1) * per_page)
        listed = pictures.several(connection, found.ids)
        standings = decisions.standings(connection, found.ids)
    return Page(query, tuple(listed.values()), standings, page, found.more)


def save_search(workspace: Workspace, name: str, query: Query) -> None:
    """Keep a query under a name; it replaces an earlier one of that name."""
    with workspace.archive.write() as connection:
        saved_searches.put(connection, checked_name("search", name), query, author=workspace.author)


def saved_search(workspace: Workspace, name: str) -> Query:
    """The query saved under a name; :class:`NotFoundError` naming the nearest one."""
    with workspace.archive.read() as connection:
        known = saved_searches.everyone(connection)
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 1)
    raise NotFoundError(
        f"No search was saved as '{name}'.",
        f"Did you mean '{near[0]}'?" if near else (f"Known: {', '.join(known)}." if known else ""),
        "duktus search WORDS ... --save NAME saves one.",
    )


def saved_searches_of(workspace: Workspace) -> dict[str, Query]:
    """Every saved search by its name."""
    with workspace.archive.read() as connection:
        return saved_searches.everyone(connection)


def forget_search(workspace: Workspace, name: str) -> None:
    """Remove a saved search; the pictures it finds stay."""
    saved_search(workspace, name)
    with workspace.archive.write() as connection:
        saved_searches.remove(connection, name)
