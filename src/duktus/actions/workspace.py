"""A workspace: a folder with ``duktus.toml``, the archive and the files.

::

    duktus.toml                     settings
    archive/archive.sqlite          what is known
    archive/store/ab/cdef...        every picture and style once, addressed by its content
    pictures/SERIES/07-a-....png    the same files under names for people (hard links)
    styles/NAME.safetensors         likewise
    runs/NAME/                      checkpoints and samples of a training run
    bases/NAME.json                 bases that were added, pinned by their hash
    archive/hashes/                 what large files hashed to; may be removed at any time
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from duktus.archive import base_records
from duktus.archive.archive import Archive
from duktus.archive.disk import explained, full_disk, read_only
from duktus.archive.store import Store, sweep, write_whole
from duktus.domain.base import Base, Role
from duktus.domain.beginning import ControlKind
from duktus.domain.errors import MismatchError, NotFoundError
from duktus.domain.foreign import Picture
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.registry import family, family_of

LEAST_ROOM = 1 << 20
"""Bytes. With less a disk is full: no picture is begun that could not be kept."""


@dataclass(frozen=True, slots=True)
class ControlFolder:
    """Where a control network lies, and what its pictures show."""

    folder: Path
    kind: ControlKind


@dataclass(frozen=True, slots=True)
class ReferenceFiles:
    """Where a reference network lies: an IP-Adapter's file, and the folder of its image encoder."""

    file: Path
    encoder: Path


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
    base_roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    """Of bases in the settings whose files do not tell their role."""
    controls: Mapping[str, ControlFolder] = field(default_factory=dict[str, ControlFolder])
    upscalers: Mapping[str, Path] = field(default_factory=dict[str, Path])
    references: Mapping[str, ReferenceFiles] = field(default_factory=dict[str, ReferenceFiles])
    hashes: FileHashes = EVERY_BYTE
    """Whom everything here is asked for the hashes of bases and networks."""

    def proving(self) -> Workspace:
        """The same workspace for an action that proves something: what it hashes, it reads byte by byte."""
        return replace(self, hashes=self.hashes.proving())

    def prepare(self) -> bool:
        """Make the folder a workspace if it is none yet, and see that there is room to work in it. What a
        process that was killed had half written is removed.

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
            for folder in (self.root, self.root / "archive", self.store.writing, self.base_records):
                sweep(folder)
            self.archive.ready()
        return new

    @property
    def base_records(self) -> Path:
        """The folder of the bases that were added here."""
        return self.root / "bases"

    def known_bases(self) -> dict[str, Path]:
        """Every base by name and where it lies: the miniature, those of the settings, those added."""
        added = {record.name: record.folder for record in base_records.everyone(self.base_records)}
        return added | dict(self.base_folders)

    def base_folder(self, name: str) -> Path:
        """Where the base of that name lies; :class:`NotFoundError` naming the nearest one."""
        known = self.known_bases()
        folder = known.get(name)
        if folder is None:
            near = get_close_matches(name, known, 1)
            raise NotFoundError(
                f"No base is named '{name}'.",
                f"Known: {', '.join(sorted(known))}.",
                f"Did you mean '{near[0]}'?"
                if near
                else f"Add it: duktus base add FOLDER, FILE or HUB-ID --name {name}.",
            )
        return folder

    def base(self, name: str | None = None) -> Base:
        """The base of that name (the workspace's own when None), hashed from its files; large ones as far as
        they have changed since. A workspace that is :meth:`proving` reads every byte of them.

        :class:`MismatchError` when an added base is no longer the one that was added.
        """
        wanted = name or self.base_name
        folder = self.base_folder(wanted)
        record = None if wanted in self.base_folders else base_records.find(self.base_records, wanted)
        if record is None:
            return family_of(folder).describe(
                folder, wanted, role=self.base_roles.get(wanted), hashes=self.hashes
            )
        if not folder.is_dir():
            raise NotFoundError(
                f"The files of the base '{wanted}' are gone.",
                f"They were in {folder}, from {record.source}.",
                f"Put them back, or: duktus base remove {wanted}, then duktus base add {record.source}.",
            )
        base = family(record.family).describe(folder, wanted, role=record.role, hashes=self.hashes)
        if base.weights != record.weights:
            raise MismatchError(
                f"The base '{wanted}' is not the one that was added.",
                f"Its files in {folder} have the hash {base.weights[:12]}..., then {record.weights[:12]}...",
                "Put the old files back, or add these under another name: duktus base add.",
            )
        return base

    def file(self, picture: Picture) -> Path:
        """The picture's file under its name for people; in the store when that was removed."""
        named = self.root / picture.path
        return named if named.is_file() else self.store.path(picture.file_hash)

    def relative(self, path: Path) -> str:
        """A path relative to the workspace, with forward slashes."""
        return path.relative_to(self.root).as_posix()
