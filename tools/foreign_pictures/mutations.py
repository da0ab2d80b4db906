"""Metadata and pictures damaged in ways that a seed decides, so that every failure can be had again."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from tools.foreign_pictures.written import NAMES, chunk, golden, inserted, picture_of, png, with_comment

TOKENS = (
    b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b'"', b"\\", b"{", b"}", b"[" * 2000, b'{"a":' * 300,
    b"\n", b"\r\n",
    b": ", b", ", b"Steps: ", b"Negative prompt:", b"\nSteps: 1, Sampler: x, CFG scale: 1",
    b"9" * 400, b"-1", b"1e999", b"NaN", b"null", b"true", b"<lora:", b"<lora:a:b:c:d>", b'["3", 0]',
    b'["3", "3"]', b"\xe2\x80\xae", b"__import__('os')", b"<!DOCTYPE x>", b"&lt;", b"%s%n", b" " * 3000,
    "\U0001f600".encode(), b"\x1b[2J", b"../../etc/passwd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One file. ``name`` tells how it was made."""

    name: str
    data: bytes


def mutated_blocks(count: int, seed: int) -> Iterator[Case]:
    """Sound pictures whose metadata was damaged."""
    for number in range(count):
        chance = random.Random(f"{seed} {number}")  # noqa: S311 - a seed is what is wanted
        source = chance.choice(NAMES)
        raw = golden(source).encode()
        for _ in range(chance.randint(1, 5)):
            raw = chance.choice(_CHANGES)(chance, raw)
        put = chance.choice(_PLACES)
        suffix, data = put(chance, _keyword(source, chance), raw)
        yield Case(f"block-{number:05}-{source.partition('.')[0]}.{suffix}", data)


def damaged_pictures(count: int, seed: int) -> Iterator[Case]:
    """Pictures of every container whose bytes were damaged anywhere."""
    for number in range(count):
        chance = random.Random(f"{seed} picture {number}")  # noqa: S311 - likewise
        suffix, data = chance.choice(_whole())
        for _ in range(chance.randint(1, 4)):
            data = chance.choice([*_CHANGES, _cut, _zeroed, _length])(chance, data)
        yield Case(f"picture-{number:04}.{suffix}", data)


def _place(chance: random.Random, data: bytes) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((1, 2, 8, 50, 400)))


def _flip(chance: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(chance.randint(1, 20)):
        if out:
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def _drop(chance: random.Random, data: bytes) -> bytes:
    start, end = _place(chance, data)
    return data[:start] + data[end:]


def _double(chance: random.Random, data: bytes) -> bytes:
    start, end = _place(chance, data)
    return data[:end] + data[start:end] * chance.choice((1, 2, 40)) + data[end:]


def _insert(chance: random.Random, data: bytes) -> bytes:
    start = chance.randint(0, len(data))
    return data[:start] + chance.choice(TOKENS) + data[start:]


def _replace(chance: random.Random, data: bytes) -> bytes:
    start, end = _place(chance, data)
    return data[:start] + chance.choice(TOKENS) + data[end:]


def _number(chance: random.Random, data: bytes) -> bytes:
    """Another value where a number stands."""
    places = [index for index, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return data
    at = chance.choice(places)
    return (
        data[:at] + chance.choice((b"-", b"1e308", b"9" * 30, b'"x"', b"{}", b"[]", b"0.5")) + data[at + 1 :]
    )


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randint(0, len(data))]


def _zeroed(chance: random.Random, data: bytes) -> bytes:
    start, end = _place(chance, data)
    return data[:start] + bytes(end - start) + data[end:]


def _length(chance: random.Random, data: bytes) -> bytes:
    """Four bytes that may be a length, an offset or a size."""
    at = chance.randint(0, min(len(data), 400))
    value = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x10000, len(data)))
    return data[:at] + struct.pack(chance.choice("<>") + "I", value) + data[at + 4 :]


_CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip, _drop, _double, _insert, _replace, _number
)  # fmt: skip


def _keyword(source: str, chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return chance.choice((b"duktus", b"XML:com.adobe.xmp", b"workflow", b"Comment", b"", b"a" * 200))
    if source.startswith("comfyui"):
        return b"prompt"
    return b"invokeai_metadata" if source.startswith("invokeai") else b"parameters"


@cache
def _plain(kind: str) -> bytes:
    return png() if kind == "PNG" else with_comment(kind, "")


@cache
def _whole() -> list[tuple[str, bytes]]:
    text = golden("a1111.txt")
    comments = [(kind.lower(), with_comment(kind, text)) for kind in ("JPEG", "WEBP", "AVIF")]
    return [*(("png", picture_of(name)) for name in NAMES[:4]), *comments]


def _in_text(chance: random.Random, key: bytes, raw: bytes) -> tuple[str, bytes]:
    return "png", inserted(_plain("PNG"), chunk(b"tEXt", key + b"\0" + raw))


def _in_packed(chance: random.Random, key: bytes, raw: bytes) -> tuple[str, bytes]:
    packed = zlib.compress(raw)
    if chance.random() < 0.3:
        packed = _flip(chance, packed)
    return "png", inserted(_plain("PNG"), chunk(b"zTXt", key + b"\0\0" + packed))


def _in_international(chance: random.Random, key: bytes, raw: bytes) -> tuple[str, bytes]:
    head = chance.choice((b"\0\0\0\0\0", b"\0\0\0\0\0", b"\0\1\0\0\0", b"\0\7\0\0", b"\0"))
    scheme = chunk(b"tEXt", b"fooocus_scheme\0" + chance.choice((b"fooocus", b"a1111", b"\0", raw[:50])))
    more = [scheme] if chance.random() < 0.3 else []
    return "png", inserted(_plain("PNG"), chunk(b"iTXt", key + head + raw), *more)


def _exif(chance: random.Random, raw: bytes) -> bytes:
    comment = chance.choice((b"UNICODE\0" + raw, b"ASCII\0\0\0" + raw, raw))
    if comment.startswith(b"UNICODE\0") and chance.random() < 0.8:
        comment = b"UNICODE\0" + raw.decode("utf-8", "replace").encode("utf-16-be")
    block = (
        b"MM\0*" + struct.pack(">IH", 8, 1) + struct.pack(">HHII", 0x8769, 4, 1, 26) + bytes(4)
        + struct.pack(">HHHIII", 1, 0x9286, 7, len(comment), 44, 0) + comment
    )  # fmt: skip
    return _length(chance, block) if chance.random() < 0.2 else block


def _in_exif(chance: random.Random, key: bytes, raw: bytes) -> tuple[str, bytes]:
    return "png", inserted(_plain("PNG"), chunk(b"eXIf", _exif(chance, raw)))


def _in_jpeg(chance: random.Random, key: bytes, raw: bytes) -> tuple[str, bytes]:
    body = b"Exif\0\0" + _exif(chance, raw)[:65_000]
    plain = _plain("JPEG")
    return "jpg", plain[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body + plain[2:]


def _in_webp(chance: random.Random, key: bytes, raw: bytes) -> tuple[str, bytes]:
    body = _exif(chance, raw)
    body += bytes(len(body) % 2)
    whole = _plain("WEBP") + b"EXIF" + struct.pack("<I", len(body)) + body
    return "webp", whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


_PLACES = (_in_text, _in_text, _in_packed, _in_international, _in_international, _in_exif, _in_jpeg, _in_webp)
