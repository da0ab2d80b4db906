"""Queries kept under a name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive.schema import saved_searches
from duktus.archive.times import now
from duktus.domain.query import Query


def put(connection: Connection, name: str, query: Query, *, author: str) -> None:
    """Keep a query; it replaces an earlier one of that name."""
    document = query.model_dump_json(exclude_defaults=True)
    row = insert(saved_searches).values(name=name, query=document, author=author, created=now().isoformat())
    connection.execute(
        row.on_conflict_do_update(index_elements=["name"], set_={"query": document, "author": author})
    )


def remove(connection: Connection, name: str) -> None:
    """Forget a query."""
    connection.execute(delete(saved_searches).where(saved_searches.c.name == name))


def everyone(connection: Connection) -> dict[str, Query]:
    """Every query by its name, in the order of the names."""
    rows = connection.execute(select(saved_searches).order_by(saved_searches.c.name))
    return {row.name: Query.model_validate_json(row.query) for row in rows}
