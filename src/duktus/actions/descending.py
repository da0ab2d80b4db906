"""Writing down a picture that came from another one, and how."""

from __future__ import annotations

from duktus.actions.rendering import Kept
from duktus.actions.workspace import Workspace
from duktus.archive import assets, descents, lineage
from duktus.archive.lineage import Edge, Kind
from duktus.archive.times import now
from duktus.domain.asset import Asset
from duktus.domain.base import Base
from duktus.domain.changes import changes
from duktus.domain.descent import Descent, Subject
from duktus.domain.foreign import Picture


def record_child(
    workspace: Workspace, base: Base, parent: Picture, kept: Kept, aim: str = "", *, fresh: bool
) -> tuple[Asset, Descent]:
    """Write the child and its descent in one transaction: no picture forgets its parent."""
    said = parent.recipe if isinstance(parent, Asset) else parent.said
    descent = Descent(
        child=kept.asset.id,
        parent=parent.id,
        changes=changes(said, kept.asset.recipe) if said else (),
        fresh=fresh,
        author=workspace.author,
        created=now(),
    )
    with workspace.archive.write() as connection:
        asset = assets.add(connection, base, kept.asset)
        descents.add(connection, descent)
        if fresh:
            edge = Edge(asset.file_hash, parent.file_hash, Kind.WENT_ON_FROM)
            lineage.add(connection, [edge])
        if aim:
            descents.say_aim(connection, Subject.ASSET, asset.id, aim, author=workspace.author)
    return asset, descent
