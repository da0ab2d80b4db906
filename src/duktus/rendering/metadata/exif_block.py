"""The few EXIF tags in which image programs keep their texts, read from raw TIFF; and one written.

Only two directories are followed (the first and the EXIF one), each once, so that no loop of offsets can
hold the reader.
"""

from __future__ import annotations

import struct

from duktus.rendering.metadata.blocks import Contents

_EXIF_DIRECTORY = 0x8769
_USER_COMMENT = 0x9286
_ORIENTATION = 0x0112
_TEXTS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x9286: "UserComment",
    0x927C: "MakerNote",
    0x9C9C: "XPComment",
}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
"""Bytes of a value of each type that is read: byte, text, short, long, undefined."""
MAX_ENTRIES = 1_000
_HEAD = b"Exif\0\0"


def read_exif(contents: Contents, raw: bytes) -> None:
    """Add the texts of an EXIF block to ``contents``; what is damaged is noted."""
    raw = raw.removeprefix(_HEAD)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(raw[:4])
    if order is None or len(raw) < 8:
        contents.notes.append("An EXIF block is damaged: it does not begin as one.")
        return
    (first,) = struct.unpack(order + "I", raw[4:8])
    below = _directory(contents, raw, order, first)
    if below is not None:
        _directory(contents, raw, order, below)


def _directory(contents: Contents, raw: bytes, order: str, start: int) -> int | None:
    """Read one directory; where the EXIF directory is, when this one says."""
    if not 8 <= start <= len(raw) - 2:
        contents.notes.append("An EXIF block is damaged: a directory lies outside it.")
        return None
    (count,) = struct.unpack(order + "H", raw[start : start + 2])
    below = None
    for number in range(min(count, MAX_ENTRIES)):
        place = start + 2 + 12 * number
        entry = raw[place : place + 12]
        if len(entry) < 12:
            contents.notes.append("An EXIF block is damaged: a directory is cut short.")
            break
        tag, kind, values = struct.unpack(order + "HHI", entry[:8])
        if tag == _EXIF_DIRECTORY and kind == 4:
            (below,) = struct.unpack(order + "I", entry[8:])
        elif tag == _ORIENTATION and kind == 3:
            (turned,) = struct.unpack(order + "H", entry[8:10])
            contents.orientation = turned if 1 <= turned <= 8 else 1
        elif tag in _TEXTS and kind in _SIZES:
            size = _SIZES[kind] * values
            (offset,) = struct.unpack(order + "I", entry[8:])
            value = entry[8 : 8 + size] if size <= 4 else raw[offset : offset + size]
            if len(value) < size:
                contents.notes.append(f"EXIF {_TEXTS[tag]} lies outside its block.")
            else:
                _text(contents, tag, value, order)
    return below


def _text(contents: Contents, tag: int, value: bytes, order: str) -> None:
    encoding = "utf-8"
    if tag == _USER_COMMENT:
        head, rest = value[:8], value[8:]
        if head == b"UNICODE\0":
            value, encoding = rest, _utf16(rest, order)
        elif head in {b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(8)}:
            value = rest
    elif tag == 0x9C9C:
        encoding = "utf-16-le"
    if encoding.startswith("utf-16"):
        value = value[: len(value) // 2 * 2]
    value = value.rstrip(b"\0") if encoding == "utf-8" else value
    if value:
        contents.add("EXIF", _TEXTS[tag], value, encoding)


def _utf16(value: bytes, order: str) -> str:
    """Programs disagree about the byte order of a comment: the one with more zero high bytes is right."""
    if value[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    sample = value[:4096]
    high, low = sample[0::2].count(0), sample[1::2].count(0)
    if high == low:
        return "utf-16-be" if order == ">" else "utf-16-le"
    return "utf-16-be" if high > low else "utf-16-le"


def write_exif(comment: str | None, software: str, orientation: int = 1) -> bytes:
    """An EXIF block (TIFF, big-endian) with a UTF-16 ``UserComment``, as A1111 and Forge write and read."""
    named = software.encode("ascii", "replace") + b"\0"
    said = b"UNICODE\0" + (comment or "").encode("utf-16-be")
    entries = 2 + (comment is not None)
    after = 8 + 2 + 12 * entries + 4
    below = after + len(named) + len(named) % 2
    parts = [
        b"MM\0*" + struct.pack(">IH", 8, entries),
        struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0),
        struct.pack(">HHII", 0x0131, 2, len(named), after),
    ]
    if comment is not None:
        parts.append(struct.pack(">HHII", _EXIF_DIRECTORY, 4, 1, below))
    parts += [bytes(4), named, bytes(len(named) % 2)]
    if comment is not None:
        parts.append(struct.pack(">HHHIII", 1, _USER_COMMENT, 7, len(said), below + 18, 0) + said)
    return b"".join(parts)


def write_orientation(orientation: int) -> bytes:
    """An EXIF block that says how the picture is turned and nothing else."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)
