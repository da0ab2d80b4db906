"""The one place where a failing disk becomes a sentence a person can act on."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from duktus.domain.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_BROKEN = {errno.EIO}


def full_disk(place: Path | str) -> StorageError:
    """The error for a disk without room at ``place``."""
    return StorageError(
        f"The disk that holds {place} is full.",
        "Nothing half-written was kept.",
        "Free some space, then give the same command again.",
    )


def read_only(place: Path | str) -> StorageError:
    """The error for a place that may be read but not written."""
    return StorageError(
        f"{place} cannot be written.",
        "The folder or its disk is read-only for this user.",
        "Make it writable, or work in another folder (duktus init FOLDER).",
    )


def storage_error(error: BaseException, place: Path | str) -> StorageError | None:
    """The :class:`StorageError` behind ``error``, or None when it has nothing to do with the disk.

    Looks through the chain of causes, and at the words of libraries that hide the error number
    (safetensors reports a full disk as text: ``No space left on device``).
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, StorageError):
            return seen
        if isinstance(seen, OSError) and seen.errno is not None:
            where = seen.filename or place
            if seen.errno in _FULL:
                return full_disk(place)
            if seen.errno in _READ_ONLY:
                return read_only(where)
            if seen.errno in _BROKEN:
                return StorageError(
                    f"{where} could not be read or written.",
                    "The disk reports an input/output error.",
                    "Check the disk; the archive itself was not changed.",
                )
        if type(seen).__name__ == "SafetensorError" and "No space left" in str(seen):
            return full_disk(place)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return None


@contextmanager
def explained(place: Path | str) -> Generator[None]:
    """Run a block; errors of the disk come out as :class:`StorageError`, others as they are."""
    try:
        yield
    except Exception as error:
        told = storage_error(error, place)
        if told is None or told is error:
            raise
        raise told from error
