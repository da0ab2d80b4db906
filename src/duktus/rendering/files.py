"""Picture files: PNG with the recipe inside, written the same every time, read strictly and within limits.

Four texts in this order: ``parameters``, the line every program of the field reads; ``duktus`` (iTXt), the
recipe's canonical JSON, which is the truth; ``invokeai_metadata``; and the XMP packet with the IPTC mark.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from duktus.domain.errors import PictureError
from duktus.domain.recipe import Recipe
from duktus.families.atomic_file import write_atomically
from duktus.rendering.compare import Pixels
from duktus.rendering.formats import png_texts
from duktus.rendering.metadata.blocks import MAX_PIXELS
from duktus.rendering.metadata.explain import explain, is_picture, read_file
from duktus.rendering.metadata.png_blocks import SIGNATURE

STEPS_KEYWORD = "duktus-steps"
"""Of a strip of steps, which is no picture of its recipe and must not be taken for one."""


def encode_png(pixels: Pixels, recipe: Recipe) -> bytes:
    """The file of a picture: equal pixels and recipe give equal bytes (with one Pillow version)."""
    return _png(pixels, png_texts(recipe))


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
    data = read_file(path)
    if not is_picture(data):
        return None
    found = explain(data, path.name)
    if found.recipe is None and found.damage:
        raise PictureError(f"{path.name} is damaged:", " ".join(found.damage))
    return found.recipe


def read_pixels(path: Path) -> Pixels:
    """The RGB pixels of a PNG file, (height, width, 3).

    Raises:
        PictureError: not a PNG, damaged, or larger than the limits; judged before anything is decoded.
    """
    data = read_file(path)
    if not data.startswith(SIGNATURE):
        raise PictureError(
            f"{path.name} is not a PNG picture.",
            "Copies in other formats keep pixels only nearly, and so do not stand for the picture itself.",
            "Name the asset's id or its PNG.",
        )
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
