"""What lies in a picture file beside its pixels, whatever the container."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

MAX_FILE = 400_000_000
"""Bytes."""
MAX_PIXELS = 80_000_000
MAX_TEXT = 8_000_000
"""Bytes of one text, unpacked; the largest workflows of node programs stay below two million."""
MAX_TEXTS = 32_000_000
"""Bytes of all texts of a file together."""
MAX_BLOCKS = 20_000
"""Chunks, segments or boxes; no picture of these programs has a hundred, an animation has thousands."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text in a file. ``place`` names the container's part (``PNG iTXt``), ``key`` what it is called."""

    place: str
    key: str
    text: str


@dataclass
class Contents:
    """A file taken apart, filled by the reader of its container. Sizes are pixels; 0 when not said."""

    container: str
    width: int = 0
    height: int = 0
    texts: list[Text] = field(default_factory=list[Text])
    xmp: bytes | None = None
    signed: bool = False
    """A C2PA manifest is there. Whether its signature holds is not judged here."""
    orientation: int = 1
    """The EXIF orientation, 1 to 8; 1 is upright."""
    notes: list[str] = field(default_factory=list[str])
    """What was damaged, too large or not understood, in words."""
    _bytes: int = 0

    def add(self, place: str, key: str, raw: bytes, encoding: str = "utf-8") -> None:
        """Take a text in, unless it breaks the limits; undecodable bytes are replaced and noted."""
        if len(raw) > MAX_TEXT:
            self.notes.append(f"{place} '{key}' has {len(raw):,} bytes; at most {MAX_TEXT:,} are read.")
            return
        if self._bytes + len(raw) > MAX_TEXTS:
            self.notes.append(f"{place} '{key}' was not read: the texts together pass {MAX_TEXTS:,} bytes.")
            return
        self._bytes += len(raw)
        text = raw.decode(encoding, "replace").replace("\0", "")
        if "\ufffd" in text:
            self.notes.append(f"{place} '{key}' holds bytes that are no {encoding}.")
        self.texts.append(Text(place, key, text))

    def first(self, key: str) -> Text | None:
        """The first text of that name."""
        return next((text for text in self.texts if text.key == key), None)


def unpacked(raw: bytes, limit: int = MAX_TEXT) -> bytes | None:
    """Zlib data unpacked; ``None`` when damaged, cut short, or longer than ``limit`` bytes."""
    worker = zlib.decompressobj()
    try:
        data = worker.decompress(raw, limit + 1)
    except zlib.error:
        return None
    return data if worker.eof and len(data) <= limit else None
