"""Pictures as WebP, AVIF or JPEG for elsewhere: the same recipe inside, in the places those formats have.

PNG is the master; these are copies that may lose detail. EXIF ``UserComment`` holds the `parameters` text
(where A1111, Forge and Civitai look for it), the XMP packet the IPTC mark and the whole recipe.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

import duktus
from duktus.domain.asset import PictureFormat
from duktus.domain.errors import InputError
from duktus.domain.recipe import Recipe
from duktus.rendering.compare import Pixels
from duktus.rendering.invokeai_text import invokeai_text
from duktus.rendering.metadata.exif_block import write_exif
from duktus.rendering.metadata.explain import OURS
from duktus.rendering.metadata.png_blocks import XMP_KEY
from duktus.rendering.metadata.xmp_packet import COMPOSITE, TRAINED, write_xmp
from duktus.rendering.parameters_text import parameters_text

_SOFTWARE = f"duktus {duktus.__version__}"
JPEG_ROOM = 65_000
"""Bytes that one JPEG segment holds, with room for its head."""

_SETTINGS: dict[PictureFormat, dict[str, Any]] = {
    PictureFormat.PNG: {"format": "PNG", "compress_level": 6},
    PictureFormat.WEBP: {"format": "WEBP", "quality": 90, "method": 4},
    PictureFormat.AVIF: {"format": "AVIF", "quality": 85, "speed": 8, "subsampling": "4:4:4"},
    PictureFormat.JPEG: {"format": "JPEG", "quality": 92, "subsampling": 0, "optimize": True},
}
"""Full colour resolution everywhere: drawn lines suffer first where it is halved."""


def source_type(recipe: Recipe) -> str:
    """The IPTC source type: a composite where the model filled in or extended another picture."""
    extended = recipe.source is not None and recipe.source.extend is not None
    return COMPOSITE if recipe.mask is not None or extended else TRAINED


def mark(recipe: Recipe, *, whole: bool) -> bytes:
    """The XMP packet of a picture; ``whole`` also puts the recipe in."""
    # In ASCII, because not every character of a prompt is legal in XML.
    said = json.dumps(recipe.as_json(), separators=(",", ":")) if whole else ""
    return write_xmp(source_type(recipe), said, _SOFTWARE)


def encode_copy(pixels: Pixels, recipe: Recipe, kind: PictureFormat, *, strip: bool = False) -> bytes:
    """The file of a copy. ``strip`` leaves out prompt and recipe; the mark of AI-made pictures stays.

    Raises:
        InputError: the prompt does not fit into a JPEG.
    """
    settings = dict(_SETTINGS[kind])
    xmp = mark(recipe, whole=not strip)
    if kind is PictureFormat.PNG:
        settings["pnginfo"] = png_texts(recipe, strip=strip)
    else:
        settings["xmp"] = xmp
    if not strip and kind is not PictureFormat.PNG:
        settings["exif"] = exif = b"Exif\0\0" + write_exif(parameters_text(recipe), _SOFTWARE)
        if kind is PictureFormat.JPEG and max(len(exif), len(xmp)) > JPEG_ROOM:
            raise InputError(
                "The prompt is too long for a JPEG.",
                f"Its parts hold at most {JPEG_ROOM:,} bytes of text.",
                "Choose --format webp, or publish without it (--strip).",
            )
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, **settings)
    return out.getvalue()


def png_texts(recipe: Recipe, *, strip: bool = False) -> PngImagePlugin.PngInfo:
    """The texts of a PNG in their order; only the mark with ``strip``."""
    texts = PngImagePlugin.PngInfo()
    if not strip:
        texts.add_text("parameters", parameters_text(recipe))
        texts.add_itxt(OURS, recipe.canonical.decode())
        texts.add_itxt("invokeai_metadata", invokeai_text(recipe))
    texts.add_itxt(XMP_KEY, mark(recipe, whole=False).decode())
    return texts
