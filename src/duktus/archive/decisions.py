"""What people decided: events that are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive.schema import decisions
from duktus.archive.times import now
from duktus.domain.decision import DecisionEvent, DecisionKind, Standing


def add(
    connection: Connection,
    asset_id: str,
    kind: DecisionKind,
    *,
    author: str,
    stars: int | None = None,
    reason: str = "",
    undoes: int | None = None,
) -> DecisionEvent:
    """Record one decision; the event as recorded."""
    created = now()
    result = connection.execute(
        insert(decisions).values(
            asset=asset_id,
            kind=str(kind),
            stars=stars,
            reason=reason,
            author=author,
            created=created.isoformat(),
            undoes=undoes,
        )
    )
    (event_id,) = result.inserted_primary_key or (0,)
    return DecisionEvent(
        id=event_id,
        asset_id=asset_id,
        kind=kind,
        stars=stars,
        reason=reason,
        author=author,
        created=created,
        undoes=undoes,
    )


def history(connection: Connection, asset_id: str) -> list[DecisionEvent]:
    """Every decision ever taken on an asset, oldest first, undone ones and undos among them."""
    rows = connection.execute(select(decisions).where(decisions.c.asset == asset_id).order_by(decisions.c.id))
    return [_event(row) for row in rows]


def standing(events: Iterable[DecisionEvent]) -> Standing:
    """What counts after all events on one asset, oldest first."""
    listed = list(events)
    undone = {event.undoes for event in listed}
    verdict: DecisionKind | None = None
    stars: int | None = None
    reason = ""
    for event in listed:
        if event.id in undone or event.kind is DecisionKind.UNDO:
            continue
        if event.kind is DecisionKind.RATE:
            stars = event.stars
        else:
            verdict = event.kind
            reason = event.reason
    return Standing(verdict=verdict, stars=stars, reason=reason)


def standings(connection: Connection, asset_ids: Iterable[str]) -> dict[str, Standing]:
    """What counts for each of the assets."""
    wanted = set(asset_ids)
    events: dict[str, list[DecisionEvent]] = {asset_id: [] for asset_id in wanted}
    for row in connection.execute(select(decisions).order_by(decisions.c.id)):
        if row.asset in wanted:
            events[row.asset].append(_event(row))
    return {asset_id: standing(listed) for asset_id, listed in events.items()}


def last_standing(connection: Connection, asset_id: str | None = None) -> DecisionEvent | None:
    """The newest decision that is not undone, of one asset or of all; None when there is none."""
    undone = select(decisions.c.undoes).where(decisions.c.undoes.is_not(None))
    query = (
        select(decisions)
        .where(decisions.c.kind != str(DecisionKind.UNDO), decisions.c.id.not_in(undone))
        .order_by(decisions.c.id.desc())
        .limit(1)
    )
    if asset_id is not None:
        query = query.where(decisions.c.asset == asset_id)
    row = connection.execute(query).first()
    return None if row is None else _event(row)


def _event(row: Row[*tuple[Any, ...]]) -> DecisionEvent:
    return DecisionEvent(
        id=row.id,
        asset_id=row.asset,
        kind=DecisionKind(row.kind),
        stars=row.stars,
        reason=row.reason,
        author=row.author,
        created=datetime.fromisoformat(row.created),
        undoes=row.undoes,
    )
