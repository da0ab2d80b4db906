"""Builds the application from the settings: the only place that picks implementations."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from duktus.actions.workspace import ControlFolder, ReferenceFiles, Workspace
from duktus.archive.archive import Archive
from duktus.archive.store import Store
from duktus.domain.beginning import ControlKind
from duktus.domain.errors import InputError, NotFoundError
from duktus.families.file_hashes import Remembered
from duktus.miniature import control_folder, upscaler_folder, weights_folder
from duktus.settings import FILE_NAME, PLACE, TEMPLATE, read_settings

_FOLLOWS = (ControlKind.LINE, ControlKind.DEPTH)
"""What the miniature's control follows; a person's own networks stand before it and are looked at first."""


def find_root(start: Path) -> Path | None:
    """The nearest folder from ``start`` upwards that is a workspace, as git looks for its own."""
    start = start.absolute()
    return next((folder for folder in (start, *start.parents) if (folder / FILE_NAME).is_file()), None)


def workspace_at(root: Path, environment: Mapping[str, str] | None = None) -> Workspace:
    """The workspace in that very folder, which need not be one yet."""
    root = root.absolute()
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is not a folder.", "A workspace is a folder.", "Name another one.")
    settings = read_settings(root, environment)
    return Workspace(
        root=root,
        archive=Archive(root / "archive" / "archive.sqlite"),
        store=Store(root / "archive" / "store"),
        base_folders={
            "miniature": weights_folder(),
            **{name: base.folder for name, base in settings.bases.items()},
        },
        base_roles={name: base.role for name, base in settings.bases.items() if base.role is not None},
        base_name=settings.base,
        device=settings.device,
        batch=settings.batch,
        author=settings.author or _login(),
        settings_file=root / FILE_NAME,
        settings_text=TEMPLATE,
        controls={
            name: ControlFolder(folder=one.folder, kind=one.kind) for name, one in settings.controls.items()
        }
        | {f"miniature-{kind}": ControlFolder(folder=control_folder(), kind=kind) for kind in _FOLLOWS},
        references={
            name: ReferenceFiles(file=one.file, encoder=one.encoder)
            for name, one in settings.references.items()
        },
        upscalers={name: one.path for name, one in settings.upscalers.items()}
        | {"miniature": upscaler_folder()},
        hashes=Remembered(root / "archive" / "hashes"),
    )


def workspace(place: Path | None = None, *, make: bool = False) -> Workspace:
    """The workspace to work in: ``place``, else ``DUKTUS_WORKSPACE``, else the nearest one upwards.

    Where there is none, ``make`` gives the present folder (made a workspace by its first use); without it
    :class:`NotFoundError` says how to make one.
    """
    named = place or (Path(os.environ[PLACE]) if os.environ.get(PLACE) else None)
    if named is not None:
        if not make and not (named / FILE_NAME).is_file():
            raise _none_at(named)
        return workspace_at(named)
    root = find_root(Path.cwd())
    if root is None and not make:
        raise _none_at(Path.cwd())
    return workspace_at(root or Path.cwd())


def _none_at(folder: Path) -> NotFoundError:
    return NotFoundError(
        f"{folder} is not in a workspace.",
        f"Neither it nor a folder above it holds {FILE_NAME}.",
        "Make one with duktus init, or go to yours (or name it: duktus --workspace FOLDER ...).",
    )


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
