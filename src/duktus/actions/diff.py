"""`duktus diff`: which parameters differ between two pictures."""

from __future__ import annotations

from dataclasses import dataclass

from duktus.actions.looking import Looked, looked_at, pixels_in
from duktus.actions.workspace import Workspace
from duktus.archive import descents
from duktus.domain.changes import Change, changes
from duktus.domain.descent import Descent
from duktus.domain.errors import MismatchError
from duktus.rendering.compare import Difference, compare


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two pictures; ``pixels`` is None when they have different sizes."""

    parameters: tuple[Change, ...]
    pixels: Difference | None
    descent: Descent | None = None
    """When one of them was gone on to from the other."""
    unknown: tuple[str, ...] = ()
    """Those of the two, as named, of which nothing is known but their pixels."""


def diff(workspace: Workspace, a: str, b: str) -> Diff:
    """The parameters in which two pictures differ, and how far apart their pixels are."""
    first, second = looked_at(workspace, a), looked_at(workspace, b)
    try:
        pixels = compare(pixels_in(first.path)[0], pixels_in(second.path)[0])
    except MismatchError:
        pixels = None
    told = changes(first.said, second.said) if first.said and second.said else ()
    unknown = tuple(name for name, one in ((a, first), (b, second)) if one.said is None)
    return Diff(told, pixels, _between(workspace, first, second), unknown)


def _between(workspace: Workspace, first: Looked, second: Looked) -> Descent | None:
    if first.picture is None or second.picture is None:
        return None
    with workspace.archive.read() as connection:
        for parent, child in (
            (first.picture.id, second.picture.id),
            (second.picture.id, first.picture.id),
        ):
            origin = descents.origin(connection, child)
            if origin is not None and origin.parent == parent:
                return origin
    return None
