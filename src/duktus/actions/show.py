"""`duktus show`: everything known about one picture, and what any picture file says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.actions.completing import Completed, complete
from duktus.actions.sidecar import sidecar_of
from duktus.actions.workspace import Workspace
from duktus.archive import assets, decisions, foreign, lineage
from duktus.archive.lineage import Edge
from duktus.domain.asset import Asset
from duktus.domain.canonical import sha256_hex
from duktus.domain.decision import DecisionEvent, Standing
from duktus.domain.foreign import ForeignPicture
from duktus.domain.recipe import Recipe
from duktus.rendering.metadata.explain import Explained, explain, read_file


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with what is known of it; much is empty for a file the archive does not know.

    ``recipe`` is the archive's, else the one in the file, else ``None``: then ``explained.foreign`` may hold
    what another program wrote and ``completed`` what this workspace can make of it.
    """

    path: Path
    recipe: Recipe | None
    asset: Asset | None
    standing: Standing
    history: tuple[DecisionEvent, ...]
    lineage: tuple[Edge, ...]
    explained: Explained
    imported: ForeignPicture | None = None
    completed: Completed | None = None


def show(workspace: Workspace, name: str) -> Shown:
    """The picture behind an asset's id, an imported picture's id, or a file."""
    path = Path(name)
    asset, imported = None, None
    sidecar = None
    with workspace.archive.read() as connection:
        if path.exists():
            data = read_file(path)
            asset = assets.by_file_hash(connection, sha256_hex(data))
            imported = foreign.by_file_hash(connection, sha256_hex(data))
            sidecar = sidecar_of(path)
        elif name.startswith("f-"):
            imported = foreign.get(connection, name)
            data = workspace.store.read(imported.file_hash)
            path = workspace.foreign_file(imported)
        else:
            asset = assets.get(connection, name)
            data = workspace.store.read(asset.file_hash)
            path = workspace.file(asset)
        history = decisions.history(connection, asset.id) if asset else []
        edges = lineage.ancestors(connection, asset.file_hash) if asset else []
    if asset is not None and not Path(name).exists():
        path = workspace.file(asset)
    found = explain(data, path.name, sidecar)
    recipe = asset.recipe if asset else found.recipe
    wanted = imported.foreign if imported is not None else found.foreign
    return Shown(
        path=workspace.file(asset) if asset else path,
        recipe=recipe,
        asset=asset,
        standing=decisions.standing(history),
        history=tuple(history),
        lineage=tuple(edges),
        explained=found,
        imported=imported,
        completed=complete(workspace, wanted) if recipe is None and wanted is not None else None,
    )
