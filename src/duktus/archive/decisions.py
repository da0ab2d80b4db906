"""What people decided: events that are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive import catalogue
from duktus.archive.schema import decisions
from duktus.archive.times import now
from duktus.domain.decision import DecisionEvent, DecisionKind, Label, Standing, standing

__all__ = ["add", "before_undo", "history", "last_counting", "last_undone", "standing", "standings"]

_STEPS = (DecisionKind.UNDO.value, DecisionKind.REDO.value)
_AT_ONCE = 500
"""Ids in one query, well below SQLite's bound."""


def add(
    connection: Connection,
    asset_id: str,
    kind: DecisionKind,
    *,
    author: str,
    stars: int | None = None,
    label: Label | None = None,
    reason: str = "",
    undoes: int | None = None,
) -> DecisionEvent:
    """Record one decision; the event as recorded. What counts for the asset is searchable at once."""
    created = now()
    result = connection.execute(
        insert(decisions).values(
            asset=asset_id,
            kind=str(kind),
            stars=stars,
            label=label.value if label else None,
            reason=reason,
            author=author,
            created=created.isoformat(),
            undoes=undoes,
        )
    )
    (event_id,) = result.inserted_primary_key or (0,)
    catalogue.set_standing(connection, asset_id, standing(history(connection, asset_id)))
    return DecisionEvent(
        id=event_id,
        asset_id=asset_id,
        kind=kind,
        stars=stars,
        label=label,
        reason=reason,
        author=author,
        created=created,
        undoes=undoes,
    )


def history(connection: Connection, asset_id: str) -> list[DecisionEvent]:
    """Every decision ever taken on an asset, oldest first, undone ones, undos and redos among them."""
    rows = connection.execute(select(decisions).where(decisions.c.asset == asset_id).order_by(decisions.c.id))
    return [_event(row) for row in rows]


def standings(connection: Connection, asset_ids: Iterable[str]) -> dict[str, Standing]:
    """What counts for each of the assets."""
    wanted = list(dict.fromkeys(asset_ids))
    events: dict[str, list[DecisionEvent]] = {asset_id: [] for asset_id in wanted}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        for row in connection.execute(
            select(decisions).where(decisions.c.asset.in_(some)).order_by(decisions.c.id)
        ):
            events[row.asset].append(_event(row))
    return {asset_id: standing(listed) for asset_id, listed in events.items()}


def last_counting(
    connection: Connection, asset_id: str | None = None
) -> tuple[DecisionEvent, DecisionEvent] | None:
    """The newest decision that counts, of one asset or of all, and the event that an undo has to take back:
    the decision itself, or the redo that brought it back. None when nothing counts.
    """
    query = select(decisions).where(decisions.c.kind.not_in(_STEPS)).order_by(decisions.c.id.desc())
    if asset_id is not None:
        query = query.where(decisions.c.asset == asset_id)
    for row in connection.execute(query):
        decision = _event(row)
        last = _last_word(connection, decision)
        if last.kind is not DecisionKind.UNDO:
            return decision, last
    return None


def last_undone(connection: Connection, asset_id: str | None = None) -> DecisionEvent | None:
    """The undo that a redo would take back: the newest one, if nothing was decided since. None otherwise."""
    taken_back = decisions.alias("taken_back")
    undo = select(decisions).where(
        decisions.c.kind == DecisionKind.UNDO.value,
        ~select(taken_back.c.id).where(taken_back.c.undoes == decisions.c.id).exists(),
    )
    newest = select(func.max(decisions.c.id)).where(decisions.c.kind.not_in(_STEPS))
    if asset_id is not None:
        undo = undo.where(decisions.c.asset == asset_id)
        newest = newest.where(decisions.c.asset == asset_id)
    row = connection.execute(undo.order_by(decisions.c.id.desc()).limit(1)).first()
    if row is None or row.id < (connection.execute(newest).scalar() or 0):
        return None
    return _event(row)


def before_undo(connection: Connection, event: DecisionEvent) -> DecisionEvent:
    """The decision at the beginning of a chain of undo and redo."""
    while event.undoes is not None:
        event = _event(connection.execute(select(decisions).where(decisions.c.id == event.undoes)).one())
    return event


def _last_word(connection: Connection, event: DecisionEvent) -> DecisionEvent:
    """The event at the end of the chain of undo and redo that begins with a decision."""
    while row := connection.execute(select(decisions).where(decisions.c.undoes == event.id)).first():
        event = _event(row)
    return event


def _event(row: Row[*tuple[Any, ...]]) -> DecisionEvent:
    return DecisionEvent(
        id=row.id,
        asset_id=row.asset,
        kind=DecisionKind(row.kind),
        stars=row.stars,
        label=Label(row.label) if row.label else None,
        reason=row.reason,
        author=row.author,
        created=datetime.fromisoformat(row.created),
        undoes=row.undoes,
    )
