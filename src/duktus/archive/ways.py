"""The way to a picture, through every picture it was gone on to from or drawn over."""

from __future__ import annotations

from sqlalchemy import Connection

from duktus.archive import descents, pictures
from duktus.domain.descent import Descent
from duktus.domain.foreign import Picture


def to(connection: Connection, last: Picture) -> list[tuple[Picture, Descent | None]]:
    """Every picture on the way, oldest first, each with its descent from the one before; None where it was
    drawn over that one. A recipe names its source by a hash, so the way has an end.
    """
    way: list[tuple[Picture, Descent | None]] = []
    here: Picture | None = last
    while here is not None:
        back = descents.way(connection, here.id)
        ids = [*(one.parent for one in back[:1]), *(one.child for one in back)] or [here.id]
        listed = pictures.several(connection, ids)
        way = [(listed[id_], one) for id_, one in zip(ids, [None, *back], strict=True)] + way
        first = way[0][0].recipe
        here = pictures.behind(connection, first.source.picture) if first and first.source else None
    return way
