"""`duktus show`: everything known about one picture, and what any picture file says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from duktus.actions.foreign.completing import Completed, complete
from duktus.actions.foreign.sidecar import sidecar_of
from duktus.actions.workspace import Workspace
from duktus.archive import assets, decisions, foreign, lineage, pictures
from duktus.archive.lineage import Edge
from duktus.domain.asset import Asset
from duktus.domain.canonical import sha256_hex
from duktus.domain.decision import DecisionEvent, Standing
from duktus.domain.foreign import ForeignPicture, Picture
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
    made_from: Mapping[str, str] = field(default_factory=dict[str, str])
    """The ids of the pictures that the recipe begins from and this archive knows, by their file hashes."""


def show(workspace: Workspace, name: str) -> Shown:
    """The picture behind an asset's id, an imported picture's id, or a file."""
    path = Path(name)
    is_file = path.exists()
    data = read_file(path) if is_file else b""
    with workspace.archive.read() as connection:
        known: Picture | None
        if is_file:
            file_hash = sha256_hex(data)
            known = assets.by_file_hash(connection, file_hash) or foreign.by_file_hash(connection, file_hash)
        else:
            known = pictures.named(connection, name)
            data = workspace.store.read(known.file_hash)
        history = decisions.history(connection, known.id) if known else []
        edges = lineage.ancestors(connection, known.file_hash) if known else []
    asset = known if isinstance(known, Asset) else None
    imported = known if isinstance(known, ForeignPicture) else None
    if known is not None and (asset is not None or not is_file):
        path = workspace.file(known)
    found = explain(data, path.name, sidecar_of(Path(name)) if is_file else None)
    recipe = asset.recipe if asset else found.recipe
    with workspace.archive.read() as connection:
        made_from = pictures.ids_of(connection, recipe.pictures if recipe else ())
    wanted = imported.foreign if imported is not None else found.foreign
    return Shown(
        path=path,
        recipe=recipe,
        asset=asset,
        standing=decisions.standing(history),
        history=tuple(history),
        lineage=tuple(edges),
        explained=found,
        imported=imported,
        completed=complete(workspace, wanted) if recipe is None and wanted is not None else None,
        made_from=made_from,
    )
