"""WebP taken apart (RFC 9649): EXIF, XMP, C2PA; and put together bare."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from duktus.rendering.metadata.blocks import MAX_BLOCKS, Contents
from duktus.rendering.metadata.exif_block import read_exif, write_orientation

_LOOKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def is_webp(data: bytes) -> bool:
    """Whether a file begins as WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def chunks(data: bytes, contents: Contents | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of every chunk; noted when the file is cut short."""
    position = 12
    for _ in range(MAX_BLOCKS):
        if position >= len(data):
            return
        head = data[position : position + 8]
        length = int.from_bytes(head[4:], "little")
        end = position + 8 + length
        if len(head) < 8 or end > len(data):
            break
        yield head[:4], data[position + 8 : end]
        position = end + length % 2
    if contents is not None:
        contents.notes.append("The WebP is cut short.")


def read_webp(data: bytes) -> Contents:
    """The texts of a WebP."""
    contents = Contents("WebP")
    for kind, body in chunks(data, contents):
        if kind == b"EXIF":
            read_exif(contents, body)
        elif kind == b"XMP ":
            contents.xmp = body
        elif kind == b"C2PA":
            contents.signed = True
        elif not contents.width:
            contents.width, contents.height = _size(kind, body)
    return contents


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(body) >= 10:
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def bare_webp(data: bytes, xmp: bytes | None = None) -> bytes:
    """The same picture without metadata; how it is turned and its colours are kept.

    ``xmp`` is written only into a file of the extended layout (one that had metadata has it).
    """
    turned = read_webp(data).orientation
    parts: list[bytes] = []
    extended = False
    for kind, body in chunks(data):
        if kind not in _LOOKS:
            continue
        if kind == b"VP8X" and body:
            extended = True
            kept = body[0] & ~(_EXIF_FLAG | _XMP_FLAG)
            kept |= (_EXIF_FLAG if turned != 1 else 0) | (_XMP_FLAG if xmp is not None else 0)
            body = bytes([kept]) + body[1:]  # noqa: PLW2901 - the chunk as it goes on
        parts.append(_chunk(kind, body))
    if extended and turned != 1:
        parts.append(_chunk(b"EXIF", write_orientation(turned)))
    if extended and xmp is not None:
        parts.append(_chunk(b"XMP ", xmp))
    whole = b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WEBP" + whole


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
