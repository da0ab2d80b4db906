"""`duktus diff`: which parameters differ between two pictures."""

from __future__ import annotations

from dataclasses import dataclass

from duktus.actions.looking import Named, named_picture
from duktus.actions.workspace import Workspace
from duktus.archive import descents
from duktus.domain.changes import Change, changes
from duktus.domain.descent import Descent
from duktus.domain.errors import MismatchError
from duktus.rendering.compare import Difference, compare
from duktus.rendering.files import read_pixels


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two pictures; ``pixels`` is None when they have different sizes."""

    parameters: tuple[Change, ...]
    pixels: Difference | None
    descent: Descent | None = None
    """When one of them was gone on to from the other."""


def diff(workspace: Workspace, a: str, b: str) -> Diff:
    """The parameters in which two pictures differ, and how far apart their pixels are."""
    first, second = named_picture(workspace, a), named_picture(workspace, b)
    try:
        pixels = compare(read_pixels(first.path), read_pixels(second.path))
    except MismatchError:
        pixels = None
    return Diff(changes(first.recipe, second.recipe), pixels, _between(workspace, first, second))


def _between(workspace: Workspace, first: Named, second: Named) -> Descent | None:
    if first.asset is None or second.asset is None:
        return None
    with workspace.archive.read() as connection:
        for parent, child in ((first.asset.id, second.asset.id), (second.asset.id, first.asset.id)):
            origin = descents.origin(connection, child)
            if origin is not None and origin.parent == parent:
                return origin
    return None
