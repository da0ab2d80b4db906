"""AVIF taken apart (ISO/IEC 14496-12 and 23008-12): the EXIF and XMP items, C2PA; and blanked in place.

Only what leads to those items is read: the item list (``iinf``), their places (``iloc``) and the size of the
picture (``ispe``). Items are blanked in place rather than cut out, so that no offset in the file changes and
the picture stays byte for byte what it was.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from duktus.rendering.metadata.blocks import MAX_BLOCKS, Contents
from duktus.rendering.metadata.exif_block import read_exif, write_orientation

_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The ``uuid`` box in which C2PA puts its manifest (specification, section on BMFF)."""
_XMP_TYPE = b"application/rdf+xml"


@dataclass(frozen=True, slots=True)
class _Item:
    """One item: its type (``Exif``, or ``XMP``) and where its bytes lie in the file."""

    kind: str
    start: int
    length: int


class _CutError(Exception):
    """A box that says more than it holds."""


def is_avif(data: bytes) -> bool:
    """Whether a file begins as AVIF, by its brands."""
    size = int.from_bytes(data[:4], "big")
    brands = data[8 : min(size, 256)]
    return data[4:8] == b"ftyp" and any(
        brands[place : place + 4] in {b"avif", b"avis"} for place in range(0, len(brands), 4)
    )


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of the content of every box between two places of the file."""
    position = start
    for _ in range(MAX_BLOCKS):
        if position + 8 > end:
            return
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        head = 8
        if size == 1:
            if position + 16 > end:
                raise _CutError
            (size,) = struct.unpack(">Q", data[position + 8 : position + 16])
            head = 16
        elif size == 0:
            size = end - position
        if size < head or position + size > end:
            raise _CutError
        yield kind, position + head, position + size
        position += size


def read_avif(data: bytes) -> Contents:
    """The texts of an AVIF."""
    contents = Contents("AVIF")
    for item in _items(data, contents):
        body = data[item.start : item.start + item.length]
        if item.kind == "XMP":
            contents.xmp = body if body.strip() else None
        elif len(body) >= 4:
            skip = int.from_bytes(body[:4], "big")
            read_exif(contents, body[4 + skip :])
    return contents


def bare_avif(data: bytes, xmp: bytes | None = None) -> bytes:
    """The same picture with its EXIF, XMP and C2PA blanked; ``xmp`` is written where it fits."""
    contents = Contents("AVIF")
    turned = read_avif(data).orientation
    bare = bytearray(data)
    for item in _items(data, contents):
        if item.kind == "XMP":
            fresh = xmp if xmp is not None and len(xmp) <= item.length else b""
            blank = fresh.ljust(item.length)
        else:
            blank = (bytes(4) + write_orientation(turned)).ljust(item.length, b"\0")[: item.length]
        bare[item.start : item.start + item.length] = blank
    for start, end in _signatures(data):
        bare[start - 4 : start] = b"free"
        bare[start:end] = bytes(end - start)
    return bytes(bare)


def _signatures(data: bytes) -> list[tuple[int, int]]:
    try:
        return [
            (start, end)
            for kind, start, end in boxes(data, 0, len(data))
            if kind == b"uuid" and data[start : start + 16] == _C2PA
        ]
    except _CutError:
        return []


def _items(data: bytes, contents: Contents) -> list[_Item]:
    try:
        for kind, start, end in boxes(data, 0, len(data)):
            if kind == b"meta":
                return _of_meta(data, start + 4, end, contents)
            if kind == b"uuid" and data[start : start + 16] == _C2PA:
                contents.signed = True
    except (_CutError, struct.error, IndexError):
        pass
    contents.notes.append("The AVIF is cut short or damaged; its metadata could not be found.")
    return []


def _of_meta(data: bytes, start: int, end: int, contents: Contents) -> list[_Item]:
    names: dict[int, str] = {}
    places: dict[int, tuple[int, int]] = {}
    contents.signed = contents.signed or bool(_signatures(data))
    for kind, begin, stop in boxes(data, start, end):
        if kind == b"iinf":
            names = _names(data, begin, stop)
        elif kind == b"iloc":
            places = _places(data, begin, stop)
        elif kind == b"iprp":
            _size(data, begin, stop, contents)
    return [
        _Item(name, *places[number])
        for number, name in names.items()
        if number in places and places[number][0] + places[number][1] <= len(data)
    ]


def _names(data: bytes, start: int, end: int) -> dict[int, str]:
    """The items that hold metadata, by their number."""
    found: dict[int, str] = {}
    begin = start + 4 + (2 if data[start] == 0 else 4)
    for kind, at, stop in boxes(data, begin, end):
        if kind != b"infe" or data[at] not in {2, 3}:
            continue
        wide = 4 if data[at] == 3 else 2
        number = int.from_bytes(data[at + 4 : at + 4 + wide], "big")
        kind_at = at + 4 + wide + 2
        named = data[kind_at : kind_at + 4]
        if named == b"Exif":
            found[number] = "Exif"
        elif named == b"mime" and _XMP_TYPE in data[kind_at + 4 : stop]:
            found[number] = "XMP"
    return found


def _places(data: bytes, start: int, end: int) -> dict[int, tuple[int, int]]:
    """Begin and length of every item of one piece that lies in the file itself."""
    version = data[start]
    offset_size, length_size = data[start + 4] >> 4, data[start + 4] & 15
    base_size, index_size = data[start + 5] >> 4, data[start + 5] & 15 if version else 0
    position = start + 6
    wide = 2 if version < 2 else 4

    def take(size: int) -> int:
        nonlocal position
        if position + size > end:
            raise _CutError
        position += size
        return int.from_bytes(data[position - size : position], "big")

    found: dict[int, tuple[int, int]] = {}
    for _ in range(min(take(wide), MAX_BLOCKS)):
        number = take(wide)
        method = take(2) & 15 if version else 0
        take(2)
        base = take(base_size)
        extents = take(2)
        for _extent in range(min(extents, MAX_BLOCKS)):
            take(index_size)
            offset, length = take(offset_size), take(length_size)
            if method == 0 and extents == 1:
                found[number] = (base + offset, length)
    return found


def _size(data: bytes, start: int, end: int, contents: Contents) -> None:
    for kind, begin, stop in boxes(data, start, end):
        if kind != b"ipco":
            continue
        for inner, at, _ in boxes(data, begin, stop):
            if inner == b"ispe":
                width, height = struct.unpack(">II", data[at + 4 : at + 12])
                if width * height > contents.width * contents.height:  # a thumbnail has one too
                    contents.width, contents.height = width, height
