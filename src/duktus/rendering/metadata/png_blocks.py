"""PNG taken apart (W3C PNG, third edition): texts in tEXt, zTXt, iTXt, EXIF, C2PA; and put together bare."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from duktus.rendering.metadata.blocks import MAX_BLOCKS, Contents, unpacked
from duktus.rendering.metadata.exif_block import read_exif, write_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEY = "XML:com.adobe.xmp"

_LOOKS = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP",
    b"mDCV", b"cLLI", b"mDCv", b"cLLi", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
}  # fmt: skip
"""Chunks that decide how the picture looks; everything else is metadata."""


def chunks(data: bytes, contents: Contents | None = None) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind, body and the checksum as written, up to the end mark; noted when that is missing."""
    position = len(SIGNATURE)
    for _ in range(MAX_BLOCKS):
        if position + 12 > len(data):
            break
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        end = position + 12 + length
        if end > len(data):
            break
        body = data[position + 8 : end - 4]
        (checksum,) = struct.unpack(">I", data[end - 4 : end])
        yield kind, body, checksum
        if kind == b"IEND":
            if contents is not None and end < len(data):
                contents.notes.append(f"{len(data) - end:,} bytes follow the end mark; they were not read.")
            return
        position = end
    if contents is not None:
        contents.notes.append("The PNG ends before its end mark.")


def read_png(data: bytes) -> Contents:
    """The texts of a PNG in file order. A text whose checksum is wrong is noted and not believed."""
    contents = Contents("PNG")
    for kind, body, checksum in chunks(data, contents):
        if kind == b"IHDR" and len(body) == 13:
            contents.width, contents.height = struct.unpack(">II", body[:8])
        elif kind == b"caBX":
            contents.signed = True
        if kind not in _READERS:
            continue
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            contents.notes.append(f"A {kind.decode()} chunk has a wrong checksum; it was not believed.")
            continue
        _READERS[kind](contents, body)
    return contents


def bare_png(data: bytes, xmp: bytes | None = None) -> bytes:
    """The same picture without metadata, byte for byte as it was compressed; with ``xmp`` when given.

    Checksums stay as they were written, so damage is not hidden. How a picture is turned is kept.
    """
    turned = read_png(data).orientation
    kept = [SIGNATURE]
    placed = False
    for kind, body, checksum in chunks(data):
        if kind == b"IDAT" and not placed:
            placed = True
            if turned != 1:
                kept.append(_chunk(b"eXIf", write_orientation(turned)))
            if xmp is not None:
                kept.append(_chunk(b"iTXt", XMP_KEY.encode() + b"\0\0\0\0\0" + xmp))
        if kind in _LOOKS:
            kept.append(_chunk(kind, body, checksum))
    return b"".join(kept)


def _chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    right = zlib.crc32(body, zlib.crc32(kind)) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", right)


def _plain(contents: Contents, body: bytes) -> None:
    key, _, raw = body.partition(b"\0")
    # The standard says Latin-1; several programs write UTF-8 all the same.
    encoding = "utf-8" if _is_utf8(raw) else "latin-1"
    contents.add("PNG tEXt", key.decode("latin-1"), raw, encoding)


def _packed(contents: Contents, body: bytes) -> None:
    key, _, rest = body.partition(b"\0")
    raw = unpacked(rest[1:]) if rest[:1] == b"\0" else None
    _add_unpacked(contents, "PNG zTXt", key, raw)


def _international(contents: Contents, body: bytes) -> None:
    """Keyword, 0, compressed?, method, language, 0, translated keyword, 0, text."""
    key, _, rest = body.partition(b"\0")
    parts = rest[2:].split(b"\0", 2)
    if len(parts) != 3 or rest[:1] not in {b"\0", b"\1"}:
        contents.notes.append(f"PNG iTXt '{key[:80].decode('latin-1')}' is damaged.")
        return
    raw = unpacked(parts[2]) if rest[:1] == b"\1" else parts[2]
    if key.decode("latin-1") == XMP_KEY and raw is not None:
        contents.xmp = raw
        return
    _add_unpacked(contents, "PNG iTXt", key, raw)


def _add_unpacked(contents: Contents, place: str, key: bytes, raw: bytes | None) -> None:
    name = key[:80].decode("latin-1")
    if raw is None:
        contents.notes.append(f"{place} '{name}' is damaged or unpacks to more than is read.")
        return
    contents.add(place, name, raw, "utf-8" if place == "PNG iTXt" or _is_utf8(raw) else "latin-1")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


_READERS = {b"tEXt": _plain, b"zTXt": _packed, b"iTXt": _international, b"eXIf": read_exif}
