"""From which picture a person went on to which, and what they sought. Only ever added to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive.schema import aims, descents
from duktus.archive.times import now
from duktus.domain.changes import Change
from duktus.domain.descent import Aim, Descent, Subject

_AT_ONCE = 500


def add(connection: Connection, descent: Descent) -> None:
    """Record that a person went on from a picture."""
    connection.execute(
        insert(descents).values(
            child=descent.child,
            parent=descent.parent,
            changes=json.dumps(
                [change.model_dump(mode="json") for change in descent.changes], ensure_ascii=False
            ),
            fresh=descent.fresh,
            author=descent.author,
            created=descent.created.isoformat(),
        )
    )


def origin(connection: Connection, asset_id: str) -> Descent | None:
    """How a picture came to be: the descent that made it, or None for one that came from no other."""
    row = connection.execute(
        select(descents)
        .where(descents.c.child == asset_id, descents.c.fresh)
        .order_by(descents.c.id)
        .limit(1)
    ).first()
    return None if row is None else _descent(row)


def way(connection: Connection, asset_id: str) -> list[Descent]:
    """The descents from the first picture to this one, oldest first. A picture has one origin, and it is
    older than the picture, so the way has an end.
    """
    found: list[Descent] = []
    step = origin(connection, asset_id)
    while step is not None:
        found.append(step)
        step = origin(connection, step.parent)
    return found[::-1]


def onward(connection: Connection, asset_id: str) -> list[Descent]:
    """Every time somebody went on from a picture, oldest first."""
    rows = connection.execute(select(descents).where(descents.c.parent == asset_id).order_by(descents.c.id))
    return [_descent(row) for row in rows]


def say_aim(connection: Connection, kind: Subject, subject: str, text: str, *, author: str) -> None:
    """Record what is sought with an asset, a series or a collection; the newest counts."""
    connection.execute(
        insert(aims).values(
            kind=kind.value, subject=subject, text=text, author=author, created=now().isoformat()
        )
    )


def aims_of(connection: Connection, kind: Subject, subjects: Iterable[str]) -> dict[str, Aim]:
    """What was sought last with each of the subjects; those of which nothing was said are left out."""
    wanted = list(dict.fromkeys(subjects))
    found: dict[str, Aim] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows = connection.execute(
            select(aims).where(aims.c.kind == kind.value, aims.c.subject.in_(some)).order_by(aims.c.id)
        )
        for row in rows:
            created = datetime.fromisoformat(row.created)
            found[row.subject] = Aim(text=row.text, author=row.author, created=created)
    return found


def _descent(row: Row[*tuple[Any, ...]]) -> Descent:
    return Descent(
        child=row.child,
        parent=row.parent,
        changes=tuple(Change.model_validate(change) for change in json.loads(row.changes)),
        fresh=row.fresh,
        author=row.author,
        created=datetime.fromisoformat(row.created),
    )
