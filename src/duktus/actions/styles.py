"""`duktus style list|show|export`."""

from __future__ import annotations

from pathlib import Path

from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.archive.disk import explained
from duktus.archive.store import copy_out
from duktus.domain.errors import ConflictError
from duktus.domain.style import Style

SUFFIX = ".safetensors"


def list_styles(workspace: Workspace) -> list[Style]:
    """All styles of the workspace, oldest first."""
    with workspace.archive.read() as connection:
        return styles.everyone(connection)


def show_style(workspace: Workspace, name: str) -> Style:
    """One style with its settings, curve and verdict."""
    with workspace.archive.read() as connection:
        return styles.get(connection, name)


def style_path(workspace: Workspace, style: Style) -> Path:
    """The style's file under its name for people; in the store when that was removed."""
    named = workspace.root / "styles" / f"{style.name}{SUFFIX}"
    return named if named.is_file() else workspace.store.path(style.file_hash)


def export_style(workspace: Workspace, name: str, out: Path | None = None) -> Path:
    """Copy a style's checked file to ``out``, a file or a folder (default: the present folder)."""
    style = show_style(workspace, name)
    target = out or Path.cwd()
    if target.suffix != SUFFIX:
        target = target / f"{name}{SUFFIX}"
    if target.exists():
        raise ConflictError(
            f"{target} exists already.",
            "An export never overwrites a file.",
            "Remove it first, or export under another name with --out.",
        )
    with explained(target):
        copy_out(workspace.store.checked(style.file_hash), target)
    return target
