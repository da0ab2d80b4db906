"""The SHA-256 of large files: read anew, or remembered for as long as nothing has touched the file.

Hashing reads every byte, for a base of 24 GB in every command. What the bytes were is remembered beside what
the file system said of the file then: its size, when its content (mtime) and anything of it (ctime) last
changed, which file it is (inode, device). If all of that is the same, the file has not been written since;
ctime cannot be set by a program, so neither ``os.utime`` nor a renamed file gets past it. Damage that the
disk does to resting bytes, and writing past the file system, leave no trace there. So whatever promises proof
hashes every byte: :meth:`FileHashes.proving`. Why this is honest: docs/decisions/0010-remembered-hashes.md.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import Protocol, Self

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from duktus.domain.canonical import Hash, sha256_hex
from duktus.domain.errors import StorageError
from duktus.families.atomic_file import write_atomically

LARGE = 16 << 20
"""Bytes. A smaller file is hashed in about 10 ms (docs/experiments.md), which nobody waits for."""
SETTLED = 2_000_000_000
"""Nanoseconds. The coarsest clock of the file systems below counts seconds (ext3, HFS+): a file written less
than that ago could be written once more and keep its times, which git calls racy
(git's Documentation/technical/racy-git.txt)."""
TELLING = {
    "apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "overlay", "tmpfs", "xfs",
    "zfs",
}  # fmt: skip
"""File systems of this machine's own clock that note every change of a file in its ctime. Not those of a
network, which have another clock and may show old times, nor FAT and images, which have no ctime."""
_LONGEST = 4096
"""Bytes of a note; more is none of ours."""


class FileHashes(Protocol):
    """Where the hashes of files come from."""

    def of(self, path: Path) -> str:
        """SHA-256 of a file as 64 hex digits; :class:`OSError` when it cannot be read."""
        ...

    def proving(self) -> FileHashes:
        """The same, every byte read and nothing believed."""
        ...


@dataclass(frozen=True, slots=True)
class EveryByte:
    """Reads every byte each time and remembers nothing."""

    def of(self, path: Path) -> str:
        """SHA-256 of the bytes that are there now."""
        with path.open("rb") as file:
            return _digest(file)

    def proving(self) -> FileHashes:
        """Itself."""
        return self


EVERY_BYTE = EveryByte()
"""What is used where nobody says otherwise: forgetting to say costs time, never truth."""


class Stamp(BaseModel):
    """What the file system says of a file; the same only while nothing writes to it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, file: BufferedReader) -> Self:
        """Of an open file, which no renaming can exchange for another."""
        said = os.fstat(file.fileno())
        return cls(
            size=said.st_size,
            mtime_ns=said.st_mtime_ns,
            ctime_ns=said.st_ctime_ns,
            inode=said.st_ino,
            device=said.st_dev,
        )

    def settled(self, now: int) -> bool:
        """Whether a change from ``now`` (nanoseconds since 1970) on is sure to give it other times."""
        return now - max(self.mtime_ns, self.ctime_ns) >= SETTLED


class Note(BaseModel):
    """The hash that one file had while it looked like this."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    place: Hash
    """SHA-256 of the file's real path."""
    stamp: Stamp
    sha256: Hash


class SealedNote(BaseModel):
    """A note as it is kept; the seal tells damage, not forgery."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    note: Note
    seal: Hash
    """SHA-256 of the note's JSON."""

    @classmethod
    def of(cls, note: Note) -> Self:
        """The note with its seal."""
        return cls(note=note, seal=sha256_hex(note.model_dump_json().encode()))


@dataclass(frozen=True, slots=True)
class Remembered:
    """Reads large files once, and again when they may have changed; one small file of notes for each.

    Notes appear whole or not at all, and each process replaces whole ones, so two at once, or one that is
    killed, leave notes that are true or none. What is damaged counts as missing and is written anew; where
    nothing can be written, nothing is remembered.
    """

    folder: Path
    """Where the notes are kept; made when there is a first one, but only within a folder that is there."""
    believes: bool = True
    """False: hash every byte all the same, and put notes right that are not."""
    least: int = LARGE
    """Bytes; smaller files are always hashed."""
    clock: Callable[[], int] = time.time_ns
    """Nanoseconds since 1970."""

    def of(self, path: Path) -> str:
        """SHA-256 of a file, from the note on it where that still holds."""
        with path.open("rb") as file:
            began = self.clock()  # before the stamp: a change in between has to show in it
            stamp = Stamp.of(file)
            real = os.path.realpath(path)
            if stamp.size < self.least or not tells_changes(real):
                return _digest(file)
            place = sha256_hex(os.fsencode(real))
            known = self._recalled(place) if self.believes else None
            if known is not None and known.stamp == stamp:
                return known.sha256
            found = _digest(file)
            if stamp.settled(began) and Stamp.of(file) == stamp:
                self._keep(Note(place=place, stamp=stamp, sha256=found))
            return found

    def proving(self) -> FileHashes:
        """Hashes every byte; what it finds is noted."""
        return replace(self, believes=False)

    def _recalled(self, place: str) -> Note | None:
        try:
            with self._file(place).open("rb") as file:
                sealed = SealedNote.model_validate_json(file.read(_LONGEST))
        except (OSError, ValidationError):
            return None
        return sealed.note if sealed == SealedNote.of(sealed.note) and sealed.note.place == place else None

    def _keep(self, note: Note) -> None:
        file = self._file(note.place)
        if not self.folder.parent.is_dir():
            return
        try:
            write_atomically(file, SealedNote.of(note).model_dump_json().encode())
            for left in self.folder.glob(f".{file.name}.*.part"):  # by a process that was killed
                left.unlink(missing_ok=True)
        except (StorageError, OSError):
            return  # the hash is right all the same, and is found again the long way

    def _file(self, place: str) -> Path:
        return self.folder / f"{place}.json"


def tells_changes(real: str) -> bool:
    """Whether the file system that holds a real path notes every change of a file in its ctime."""
    if os.name == "nt":  # there st_ctime is when a file was made
        return False
    try:
        mounts = psutil.disk_partitions(all=True)
    except (OSError, psutil.Error):
        return False
    holding = [one for one in mounts if f"{real}/".startswith(f"{one.mountpoint.rstrip('/')}/")]
    # Of two at the same place the later one lies on top.
    return bool(holding) and max(reversed(holding), key=lambda one: len(one.mountpoint)).fstype in TELLING


def _digest(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()
