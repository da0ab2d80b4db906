"""A lock between processes that dies with its holder."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from duktus.domain.errors import ConflictError

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, wait: bool) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


class Lock:
    """An exclusive lock on a name, held as a locked file.

    The operating system releases it when the process ends, however it ends, so no stale lock can
    survive a crash. Who releases it removes the file; who took a file that was removed meanwhile takes
    the next one, or two processes would hold "the same" lock.
    """

    def __init__(self, path: Path, what: str, *, wait: bool = False) -> None:
        """``what`` says in the error what is being worked on; ``wait`` waits instead of failing."""
        self._path = path
        self._what = what
        self._wait = wait
        self._descriptor: int | None = None

    def __enter__(self) -> None:
        """Take the lock, or raise :class:`ConflictError` naming the process that holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = self._taken()
        while not _is_at(descriptor, self._path):
            os.close(descriptor)
            descriptor = self._taken()
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f" {os.getpid()}\n".encode())
        self._descriptor = descriptor

    def _taken(self) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(descriptor, self._wait)
        except OSError as error:
            holder = os.pread(descriptor, 32, 1).decode(errors="replace").strip() if os.name != "nt" else ""
            os.close(descriptor)
            raise ConflictError(
                f"Another process is already working on {self._what}.",
                f"It holds the lock{f' (process {holder})' if holder else ''}.",
                "Wait until it is done, stop it, or choose another name.",
            ) from error
        return descriptor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock and remove its file."""
        if self._descriptor is None:
            return
        if os.name != "nt":  # while it is held, so that it is no one else's
            self._remove()
        os.close(self._descriptor)
        self._descriptor = None
        if os.name == "nt":  # a file that anyone has open cannot be removed there
            self._remove()

    def _remove(self) -> None:
        with suppress(OSError):  # a disk that became read-only: the file stays, the lock does not
            self._path.unlink()


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether that open file is still the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def held(path: Path) -> bool:
    """Whether a process holds the lock of that file at this moment."""
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDWR)
    try:
        _take(descriptor, False)  # noqa: FBT003
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
