"""`duktus init`: make a folder a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.actions.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Made:
    """The workspace's folder, and whether it was made just now."""

    root: Path
    new: bool


def init(workspace: Workspace) -> Made:
    """Write ``duktus.toml`` and the archive; a folder that is a workspace already stays as it is."""
    return Made(workspace.root, workspace.prepare())
