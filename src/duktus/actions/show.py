"""`duktus show`: everything known about one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.actions.looking import named_picture
from duktus.actions.workspace import Workspace
from duktus.archive import decisions, lineage
from duktus.archive.lineage import Edge
from duktus.domain.asset import Asset
from duktus.domain.decision import DecisionEvent, Standing
from duktus.domain.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with its recipe; the rest is empty for a file the archive does not know."""

    path: Path
    recipe: Recipe
    asset: Asset | None
    standing: Standing
    history: tuple[DecisionEvent, ...]
    lineage: tuple[Edge, ...]


def show(workspace: Workspace, name: str) -> Shown:
    """The picture behind an asset id or a file."""
    found = named_picture(workspace, name)
    if found.asset is None:
        return Shown(found.path, found.recipe, None, Standing(), (), ())
    with workspace.archive.read() as connection:
        history = decisions.history(connection, found.asset.id)
        edges = lineage.ancestors(connection, found.asset.file_hash)
    path = workspace.file(found.asset)
    return Shown(path, found.recipe, found.asset, decisions.standing(history), tuple(history), tuple(edges))
