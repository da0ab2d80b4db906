"""Who asks for the hashes of files, and who believes false notes on them, whole and sealed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from duktus.domain.canonical import sha256_hex
from duktus.families.file_hashes import EVERY_BYTE, FileHashes, Note, Remembered, SealedNote, Stamp


class Asking:
    """Reads every byte, and keeps a list of the files it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Path] = []

    def of(self, path: Path) -> str:
        """SHA-256 of the bytes that are there now."""
        self.asked.append(path)
        return EVERY_BYTE.of(path)

    def proving(self) -> FileHashes:
        """Itself."""
        return self


def later() -> int:
    """A clock an hour ahead: every file has long settled."""
    return time.time_ns() + 3_600_000_000_000


def forge(memory: Remembered, path: Path, sha256: str) -> None:
    """Note that the file, as it is now, has that hash."""
    note = _note(memory, path)
    with path.open("rb") as file:
        stamp = Stamp.of(file)
    note.parent.mkdir(parents=True, exist_ok=True)
    forged = SealedNote.of(Note(place=note.stem, stamp=stamp, sha256=sha256))
    note.write_text(forged.model_dump_json(), encoding="utf-8")


def believed(memory: Remembered, path: Path) -> bool:
    """Whether there is a note on the file as it is now."""
    note = _note(memory, path)
    if not note.is_file():
        return False
    with path.open("rb") as file:
        return SealedNote.model_validate_json(note.read_bytes()).note.stamp == Stamp.of(file)


def _note(memory: Remembered, path: Path) -> Path:
    return memory.folder / f"{sha256_hex(os.fsencode(os.path.realpath(path)))}.json"
