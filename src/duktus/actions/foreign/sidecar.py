"""The text file that A1111 can write beside a picture."""

from __future__ import annotations

from pathlib import Path

MAX_SIDECAR = 1_000_000
"""Bytes."""


def sidecar_of(picture: Path) -> str | None:
    """The text of ``NAME.txt`` beside ``NAME.png``; ``None`` when there is none that can be read.

    Nobody relies on it: a caption in such a file is told from settings by what it holds.
    """
    path = picture.with_suffix(".txt")
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_SIDECAR:
            return None
        return path.read_text("utf-8", "replace")
    except OSError:
        return None
