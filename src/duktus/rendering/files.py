"""Picture files: PNG with the recipe inside, written the same every time, read strictly and within limits.

Two texts in this order: ``parameters``, the line every program of the field reads, and ``duktus`` (iTXt), the
recipe's canonical JSON, which is the truth.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin
from pydantic import ValidationError

from duktus.domain.errors import PictureError
from duktus.domain.recipe import Recipe
from duktus.families.atomic_file import write_atomically
from duktus.rendering.compare import Pixels
from duktus.rendering.parameters_text import parameters_text

KEYWORD = "duktus"
STEPS_KEYWORD = "duktus-steps"
"""Of a strip of steps, which is no picture of its recipe and must not be taken for one."""

MAX_FILE = 400_000_000
"""Bytes."""
MAX_PIXELS = 80_000_000
MAX_TEXT = 1_000_000
"""Bytes of one text chunk."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode_png(pixels: Pixels, recipe: Recipe) -> bytes:
    """The file of a picture: equal pixels and recipe give equal bytes (with one Pillow version)."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", parameters_text(recipe))
    texts.add_itxt(KEYWORD, recipe.canonical.decode())
    return _png(pixels, texts)


def encode_strip(pixels: Pixels, recipe: Recipe, path: Path) -> None:
    """Write the strip of a picture's steps; its recipe is noted under a keyword of its own."""
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt(STEPS_KEYWORD, recipe.canonical.decode())
    write_atomically(path, _png(pixels, texts))


def read_recipe(path: Path) -> Recipe | None:
    """The recipe a picture file carries, or ``None`` when it carries none; no pixel is decoded.

    Raises:
        PictureError: the file cannot be read, or its recipe is damaged.
    """
    data = _read(path)
    if not data.startswith(_SIGNATURE):
        return None
    for kind, body in _chunks(path, data):
        if kind == b"iTXt" and body.startswith(KEYWORD.encode() + b"\0"):
            return _recipe(path, body)
    return None


def read_pixels(path: Path) -> Pixels:
    """The RGB pixels of a PNG file, (height, width, 3).

    Raises:
        PictureError: not a PNG, damaged, or larger than the limits; judged before anything is decoded.
    """
    data = _read(path)
    if not data.startswith(_SIGNATURE):
        raise PictureError(f"{path.name} is not a PNG picture.")
    width, height = struct.unpack(">II", data[16:24]) if len(data) >= 24 else (0, 0)
    if not 0 < width * height <= MAX_PIXELS:
        raise PictureError(
            f"{path.name} says it is {width} x {height} pixels.", f"At most {MAX_PIXELS:,} are read."
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, zlib.error) as error:
        raise PictureError(f"{path.name} is damaged:", f"{error}.") from error


def _png(pixels: Pixels, texts: PngImagePlugin.PngInfo) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", pnginfo=texts, compress_level=6)
    return out.getvalue()


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise PictureError(f"{path.name} has {size:,} bytes.", f"At most {MAX_FILE:,} are read.")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path} cannot be read.", f"{error.strerror}.") from error


def _chunks(path: Path, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every chunk with a right checksum, up to the end mark."""
    position = len(_SIGNATURE)
    while position + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        end = position + 12 + length
        if end > len(data):
            break
        body = data[position + 8 : end - 4]
        if kind == b"IEND":
            return
        if kind == b"iTXt":
            (checksum,) = struct.unpack(">I", data[end - 4 : end])
            if zlib.crc32(body, zlib.crc32(kind)) != checksum:
                raise PictureError(f"{path.name} is damaged:", "the checksum of a text in it is wrong.")
        yield kind, body
        position = end
    raise PictureError(f"{path.name} is damaged:", "it ends before its end mark.")


def _recipe(path: Path, body: bytes) -> Recipe:
    """iTXt: keyword, 0, compressed?, method, language, 0, translated keyword, 0, text (PNG spec 11.3.3.4)."""
    if len(body) > MAX_TEXT:
        raise PictureError(f"{path.name} carries a recipe of {len(body):,} bytes.", "That is no recipe.")
    rest = body[len(KEYWORD) + 1 :]
    parts = rest[2:].split(b"\0", 2)
    if rest[:1] != b"\0" or len(parts) != 3:
        raise PictureError(f"{path.name} carries a damaged recipe.")
    try:
        return Recipe.model_validate_json(parts[2])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PictureError(f"{path.name} carries a damaged recipe:", f"{place} {first['msg']}.") from error
