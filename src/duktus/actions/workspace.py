"""A workspace: a folder with ``duktus.toml``, the archive and the files.

::

    duktus.toml                     settings
    archive/archive.sqlite          what is known
    archive/store/ab/cdef...        every picture and style once, addressed by its content
    pictures/SERIES/07-a-....png    the same files under names for people (hard links)
    styles/NAME.safetensors         likewise
    runs/NAME/                      checkpoints and samples of a training run
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from duktus.archive.archive import Archive
from duktus.archive.disk import explained, full_disk, read_only
from duktus.archive.store import Store, write_whole
from duktus.domain.asset import Asset
from duktus.domain.base import Base
from duktus.domain.errors import NotFoundError
from duktus.families.registry import family_of

LEAST_ROOM = 1 << 20
"""Bytes. With less a disk is full: no picture is begun that could not be kept."""


@dataclass(frozen=True)
class Workspace:
    """Everything an action works on. Built by the wiring; making one touches no file."""

    root: Path
    archive: Archive
    store: Store
    base_folders: Mapping[str, Path]
    base_name: str
    device: str
    """``auto``, ``cpu``, ``cuda`` or ``mps``."""
    batch: int
    author: str
    settings_file: Path
    settings_text: str
    """What ``duktus.toml`` holds when it is first written."""

    def prepare(self) -> bool:
        """Make the folder a workspace if it is none yet, and see that there is room to work in it.

        Whether it was made now. :class:`StorageError` when it is read-only or its disk is full.
        """
        with explained(self.root):
            new = not self.settings_file.exists()
            if not new and not os.access(self.root, os.W_OK):
                raise read_only(self.root)
            if not new and shutil.disk_usage(self.root).free < LEAST_ROOM:
                raise full_disk(self.root)
            if new:
                write_whole(self.settings_file, self.settings_text.encode())
            self.archive.ready()
        return new

    def base(self, name: str | None = None) -> Base:
        """The base of that name (the workspace's own when None), hashed from its files."""
        wanted = name or self.base_name
        folder = self.base_folders.get(wanted)
        if folder is None:
            near = get_close_matches(wanted, self.base_folders, 1)
            raise NotFoundError(
                f"No base is named '{wanted}'.",
                f"Known: {', '.join(sorted(self.base_folders))}.",
                f"Did you mean '{near[0]}'?"
                if near
                else f'Add it to {self.settings_file.name}: [bases.{wanted}] folder = "...".',
            )
        return family_of(folder).describe(folder, wanted)

    def file(self, asset: Asset) -> Path:
        """The picture's file under its name for people; in the store when that was removed."""
        named = self.root / asset.path
        return named if named.is_file() else self.store.path(asset.file_hash)

    def relative(self, path: Path) -> str:
        """A path relative to the workspace, with forward slashes."""
        return path.relative_to(self.root).as_posix()
