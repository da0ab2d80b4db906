"""The prompt library: snippets and their versions, only ever added to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive import lineage
from duktus.archive.lineage import Edge, Kind
from duktus.archive.schema import assets, cells, edges, recipes, snippets
from duktus.domain.errors import InputError, NotFoundError
from duktus.domain.snippet import REFERENCE, Snippet, SnippetKind

MAX_DEPTH = 10


def add(connection: Connection, snippet: Snippet) -> None:
    """Record one version of a snippet."""
    connection.execute(
        insert(snippets).values(
            hash=snippet.hash,
            name=snippet.name,
            version=snippet.version,
            kind=str(snippet.kind),
            brand=snippet.brand,
            text=snippet.text,
            author=snippet.author,
            created=snippet.created.isoformat(),
        )
    )


def versions(connection: Connection, name: str) -> list[Snippet]:
    """Every version of a snippet, oldest first; :class:`NotFoundError` naming the nearest one."""
    found = connection.execute(select(snippets).where(snippets.c.name == name).order_by(snippets.c.version))
    known = [_snippet(row) for row in found]
    if known:
        return known
    names = list(connection.execute(select(snippets.c.name).distinct().order_by(snippets.c.name)).scalars())
    near = get_close_matches(name, names, 1)
    words = f"Did you mean '{near[0]}'?" if near else (f"Known: {', '.join(names)}." if names else "")
    raise NotFoundError(
        f"No snippet is named '{name}'.",
        words or "The prompt library is empty.",
        "duktus prompts list shows them; duktus prompts add NAME TEXT makes one.",
    )


def get(connection: Connection, name: str, version: int | None = None) -> Snippet:
    """The newest version of a snippet, or that very one."""
    known = versions(connection, name)
    if version is None:
        return known[-1]
    found = next((one for one in known if one.version == version), None)
    if found is None:
        raise NotFoundError(
            f"The snippet '{name}' has no version {version}.",
            f"It has {len(known)}.",
            f"duktus prompts show {name} lists them.",
        )
    return found


def everyone(connection: Connection) -> list[Snippet]:
    """The newest version of every snippet, by name."""
    found = connection.execute(select(snippets).order_by(snippets.c.name, snippets.c.version))
    return list({row.name: _snippet(row) for row in found}.values())


@dataclass(frozen=True, slots=True)
class Composed:
    """A prompt with its snippets put in. ``pinned`` names each by the version taken."""

    text: str
    pinned: str
    hashes: tuple[str, ...]


def compose(connection: Connection, text: str) -> Composed:
    """The text with every snippet it names, and those that these name, put in."""
    named: list[str] = []

    def put_in(part: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise InputError(
                f"The snippets in '{text}' lead to each other without end.", "", "Take one of them out."
            )
        pieces: list[str] = []
        end = 0
        for found in REFERENCE.finditer(part):
            one = _named(connection, found)
            named.append(one.hash)
            pieces += [part[end : found.start()], put_in(one.text, depth + 1)]
            end = found.end()
        return "".join([*pieces, part[end:]])

    return Composed(put_in(text, 0), pin(connection, text), tuple(dict.fromkeys(named)))


def pin(connection: Connection, text: str) -> str:
    """The text with every snippet named by the version it has now."""
    return REFERENCE.sub(lambda found: _named(connection, found).reference, text)


def _named(connection: Connection, found: re.Match[str]) -> Snippet:
    return get(connection, found["name"], int(found["version"]) if found["version"] else None)


def record(connection: Connection, words: Mapping[str, Sequence[str]]) -> None:
    """Say which snippets each recipe was worded with; both by their full hashes."""
    lineage.add(
        connection,
        [Edge(recipe, snippet, Kind.WORDED_WITH) for recipe, named in words.items() for snippet in named],
    )


@dataclass(frozen=True, slots=True)
class Use:
    """A picture whose prompt was composed with a snippet."""

    asset_id: str
    version: int
    recipe_id: str
    series: tuple[str, ...]
    """The series it belongs to, by name."""


def uses(connection: Connection, name: str) -> list[Use]:
    """Every picture made with any version of the snippet, oldest first."""
    rows = connection.execute(
        select(assets.c.id, snippets.c.version, recipes.c.id.label("recipe"))
        .join_from(snippets, edges, edges.c.parent == snippets.c.hash)
        .join(recipes, recipes.c.hash == edges.c.child)
        .join(assets, assets.c.recipe_hash == recipes.c.hash)
        .where(snippets.c.name == name, edges.c.kind == str(Kind.WORDED_WITH))
        .order_by(assets.c.created, assets.c.id, snippets.c.version)
    ).all()
    ids = {row.id for row in rows}
    named: dict[str, list[str]] = {}
    for row in connection.execute(
        select(cells.c.asset, cells.c.series)
        .where(cells.c.asset.in_(ids))
        .distinct()
        .order_by(cells.c.series)
    ):
        named.setdefault(row.asset, []).append(row.series)
    return [Use(row.id, row.version, row.recipe, tuple(named.get(row.id, ()))) for row in rows]


def count_uses(connection: Connection) -> dict[str, int]:
    """How many pictures use each snippet, by name; those that none uses are not named."""
    rows = connection.execute(
        select(snippets.c.name, func.count(assets.c.id.distinct()))
        .join_from(snippets, edges, edges.c.parent == snippets.c.hash)
        .join(assets, assets.c.recipe_hash == edges.c.child)
        .where(edges.c.kind == str(Kind.WORDED_WITH))
        .group_by(snippets.c.name)
    )
    return {row[0]: row[1] for row in rows}


def _snippet(row: Row[*tuple[Any, ...]]) -> Snippet:
    return Snippet(
        name=row.name,
        version=row.version,
        kind=SnippetKind(row.kind),
        text=row.text,
        brand=row.brand,
        author=row.author,
        created=datetime.fromisoformat(row.created),
    )
