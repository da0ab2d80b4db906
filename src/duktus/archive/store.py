"""Files addressed by their content.

A file is written under a temporary name, flushed to the disk, made read-only and renamed to its SHA-256;
only then may a row name it. So whatever moment a process dies at, every file in the store is whole; what it
was writing stays under a name that says whose it was, and :func:`sweep` removes it.
People find files through *names*: hard links such as ``pictures/portraits/07-a-0123....png`` that cost no
space (a copy where the disk has no hard links).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import psutil

from duktus.domain.canonical import sha256_hex
from duktus.domain.errors import StorageError

_CHUNK = 1 << 20
_WRITING = ".writing-"
"""Then the number of the process that writes, a hyphen, and a name."""


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(target: Path, data: bytes, *, through: Path | None = None) -> None:
    """Write a file so that it appears whole or not at all; replaces an older one.

    Until then it lies in ``through``, a folder on the same disk, or beside its place.
    """
    place = through or target.parent
    for folder in {place, target.parent}:
        folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{_WRITING}{os.getpid()}-", dir=place)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def folder_to_write(place: Path) -> Path:
    """A new folder beside others, whose name says that this process is writing it; renamed when whole."""
    return Path(tempfile.mkdtemp(prefix=f"{_WRITING}{os.getpid()}-", dir=place))


def sweep(folder: Path) -> int:
    """Remove what processes that are no more were writing in a folder; how many files and folders it was."""
    left = [path for path in folder.glob(f"{_WRITING}*-*") if not _alive(path.name)]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(left)


def _alive(name: str) -> bool:
    number = name.removeprefix(_WRITING).partition("-")[0]
    return not number.isdecimal() or psutil.pid_exists(int(number))


class Store:
    """The content-addressed files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.writing = root / "writing"
        """Where files lie until they are whole: one folder, so that what a crash leaves is quickly found."""

    def path(self, file_hash: str) -> Path:
        """Where the file with that SHA-256 lies, whether or not it is there."""
        return self.root / file_hash[:2] / file_hash[2:]

    def put(self, data: bytes) -> str:
        """Keep ``data``; its SHA-256. Keeping the same bytes twice keeps one file."""
        file_hash = sha256_hex(data)
        target = self.path(file_hash)
        if not (target.is_file() and target.read_bytes() == data):
            write_whole(target, data, through=self.writing)
            target.chmod(0o444)
        return file_hash

    def put_file(self, source: Path) -> str:
        """Keep a copy of a file; its SHA-256."""
        return self.put(source.read_bytes())

    def read(self, file_hash: str) -> bytes:
        """The bytes with that SHA-256, checked; :class:`StorageError` when missing or damaged."""
        target = self.path(file_hash)
        try:
            data = target.read_bytes()
        except FileNotFoundError as error:
            raise StorageError(
                f"The file {file_hash[:16]}... is missing from the archive.",
                f"{target} does not exist.",
                "Restore it from a backup, or render the picture again (duktus render).",
            ) from error
        if sha256_hex(data) != file_hash:
            raise StorageError(
                f"The file {file_hash[:16]}... in the archive is damaged.",
                f"The bytes of {target} no longer have the hash they are named after.",
                "Restore it from a backup, or delete it and render the picture again.",
            )
        return data

    def checked(self, file_hash: str) -> Path:
        """The path of the file with that SHA-256 after its bytes were checked."""
        self.read(file_hash)
        return self.path(file_hash)

    def name(self, file_hash: str, target: Path) -> None:
        """Give a kept file a readable name; a name that is there already is replaced."""
        target.parent.mkdir(parents=True, exist_ok=True)
        source = self.path(file_hash)
        if target.exists():
            if target.samefile(source):
                return
            target.unlink()
        try:
            os.link(source, target)
        except OSError:
            copy_out(source, target)


def copy_out(source: Path, target: Path) -> None:
    """Copy a file so that it appears whole or not at all, writable by its owner."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{_WRITING}{os.getpid()}-{target.name}")
    try:
        shutil.copyfile(source, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
