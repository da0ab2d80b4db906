"""What a name means that may be a series, a collection or a picture."""

from __future__ import annotations

from pathlib import Path

from duktus.actions.workspace import Workspace
from duktus.archive import collections, pictures, series
from duktus.domain.descent import Subject
from duktus.domain.errors import ConflictError, NotFoundError


def named_subject(workspace: Workspace, name: str) -> tuple[Subject, str]:
    """What it is, and its name or asset id.

    ``series:NAME`` and ``collection:NAME`` say which is meant where both bear the name.
    """
    kind, colon, rest = name.partition(":")
    with workspace.archive.read() as connection:
        if colon and kind == Subject.SERIES.value:
            return Subject.SERIES, series.get(connection, rest).name
        if colon and kind == Subject.COLLECTION.value:
            collections.members(connection, rest)
            return Subject.COLLECTION, rest
        is_series = series.plan_of(connection, name) is not None
        is_collection = collections.has(connection, name)
        if is_series and is_collection:
            raise ConflictError(
                f"'{name}' names a series and a collection.",
                "Both were given the same name.",
                f"Write series:{name} or collection:{name}.",
            )
        if is_series:
            return Subject.SERIES, name
        if is_collection:
            return Subject.COLLECTION, name
        if not name.startswith(("a-", pictures.IMPORTED)) and not Path(name).is_file():
            raise NotFoundError(
                f"'{name}' is no series, no collection and no picture of this workspace.",
                "A picture is named by its id (a-..., or f-... when imported) or its file.",
                "duktus series list and duktus collection list show the names.",
            )
        return Subject.ASSET, pictures.named(connection, name).id
