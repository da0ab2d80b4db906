"""JPEG taken apart (ITU T.81, EXIF 3, XMP part 3): EXIF, XMP, comments, C2PA; and put together bare."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from duktus.rendering.metadata.blocks import MAX_BLOCKS, Contents
from duktus.rendering.metadata.exif_block import read_exif, write_orientation

SIGNATURE = b"\xff\xd8\xff"
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF_HEAD = b"Exif\0\0"
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_APP0, _APP1, _APP2, _APP11, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEB, 0xEE, 0xEF


def segments(data: bytes, contents: Contents | None = None) -> Iterator[tuple[int, bytes, int]]:
    """Marker, body and where the segment ends, up to the first scan; noted when it is cut short."""
    position = 2
    for _ in range(MAX_BLOCKS):
        while data[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        head = data[position : position + 4]
        if len(head) < 4 or head[0] != 0xFF:
            break
        marker, length = head[1], int.from_bytes(head[2:4], "big")
        end = position + 2 + length
        if length < 2 or end > len(data):
            break
        yield marker, data[position + 4 : end], end
        if marker == _SCAN:
            return
        position = end
    if contents is not None:
        contents.notes.append("The JPEG ends or is damaged before its picture begins.")


def read_jpeg(data: bytes) -> Contents:
    """The texts of a JPEG."""
    contents = Contents("JPEG")
    for marker, body, _ in segments(data, contents):
        if marker in _FRAMES and len(body) >= 5:
            contents.height, contents.width = struct.unpack(">HH", body[1:5])
        elif marker == _COMMENT:
            contents.add("JPEG comment", "comment", body.rstrip(b"\0"))
        elif marker == _APP1 and body.startswith(_EXIF_HEAD):
            read_exif(contents, body)
        elif marker == _APP1 and body.startswith(_XMP_HEAD):
            contents.xmp = body[len(_XMP_HEAD) :]
        elif marker == _APP11 and b"jumb" in body[:32]:
            contents.signed = True
    return contents


def bare_jpeg(data: bytes, xmp: bytes | None = None) -> bytes:
    """The same picture without metadata, its scans untouched; how it is turned and its colours are kept."""
    turned = read_jpeg(data).orientation
    head = [data[:2]]
    extra: list[bytes] = []
    if turned != 1:
        extra.append(_segment(_APP1, _EXIF_HEAD + write_orientation(turned)))
    if xmp is not None:
        extra.append(_segment(_APP1, _XMP_HEAD + xmp))
    placed = False
    end = 2
    for marker, body, after in segments(data):
        end = after
        if marker != _APP0 and not placed:
            head += extra
            placed = True
        if _is_looks(marker, body):
            head.append(_segment(marker, body))
    return b"".join(head) + _scans(data, end)


def _is_looks(marker: int, body: bytes) -> bool:
    """Whether a segment decides how the picture looks: not a comment, not an application's own data."""
    if marker == _APP2:
        return body.startswith(b"ICC_PROFILE\0")
    if marker == _APP0:
        return body.startswith(b"JFIF\0")
    if marker == _APP14:
        return body.startswith(b"Adobe")
    return marker != _COMMENT and not _APP0 <= marker <= _APP15


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _scans(data: bytes, start: int) -> bytes:
    """From the first scan to its end mark, without comments between scans and what follows the end."""
    kept: list[bytes] = []
    begin = position = start
    while (position := data.find(b"\xff", position)) >= 0 and position + 2 <= len(data):
        marker = data[position + 1]
        if marker == _END:
            return b"".join([*kept, data[begin : position + 2]])
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in {0x00, 0x01} or 0xD0 <= marker <= 0xD7:
            position += 2
        else:  # tables or a further scan of a progressive picture
            end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
            if marker == _COMMENT or _APP0 <= marker <= _APP15:
                kept.append(data[begin:position])
                begin = end
            position = end
    return b"".join([*kept, data[begin:]])
