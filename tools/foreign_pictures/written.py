"""Pictures as other programs write them, made with Pillow rather than with our own writers."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

GOLDEN = Path(__file__).parent / "samples"
NAMES = ("a1111.txt", "forge.txt", "comfyui.json", "comfyui_custom.json", "invokeai.json", "swarmui.json",
         "fooocus.json", "fooocus_a1111.txt")  # fmt: skip


def golden(name: str) -> str:
    """The text of a golden file."""
    return (GOLDEN / name).read_text("utf-8")


def expected(name: str) -> dict[str, Any]:
    """What must be read from it."""
    return json.loads((GOLDEN / name).with_suffix(".expected.json").read_text("utf-8"))


def pixels(seed: int = 0, width: int = 24, height: int = 16) -> np.ndarray:
    """Noise, different for every seed."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(texts: dict[str, str] | None = None, seed: int = 0, *, packed: bool = False) -> bytes:
    """A PNG with texts: tEXt or iTXt as Pillow chooses, or zTXt."""
    info = PngImagePlugin.PngInfo()
    for key, text in (texts or {}).items():
        info.add_text(key, text, zip=packed)
    out = io.BytesIO()
    Image.fromarray(pixels(seed)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def with_comment(kind: str, text: str, *, seed: int = 0, maker: str = "") -> bytes:
    """A JPEG, WEBP or AVIF with the text in EXIF ``UserComment``, as piexif writes it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "a studio"  # Pillow drops EXIF of an AVIF that has only inner directories
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.UserComment] = b"UNICODE\0" + text.encode("utf-16-be")
    if maker:
        inner[ExifTags.Base.MakerNote] = maker.encode()
    out = io.BytesIO()
    Image.fromarray(pixels(seed)).save(out, kind, exif=exif)
    return out.getvalue()


def comfyui_webp(graph: str, seed: int = 0) -> bytes:
    """ComfyUI's WebP: the graph in the camera's name."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "prompt:" + graph
    exif[ExifTags.Base.Make] = "workflow:{}"
    out = io.BytesIO()
    Image.fromarray(pixels(seed)).save(out, "WEBP", exif=exif)
    return out.getvalue()


def picture_of(name: str, seed: int = 0) -> bytes:
    """The PNG that a golden file's program would have written."""
    text = golden(name)
    if name.startswith("comfyui"):
        return png({"prompt": text, "workflow": "{}"}, seed)
    if name.startswith("invokeai"):
        return png({"invokeai_metadata": text}, seed)
    scheme = {"fooocus.json": "fooocus", "fooocus_a1111.txt": "a1111"}.get(name)
    return png({"parameters": text} | ({"fooocus_scheme": scheme} if scheme else {}), seed)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its right checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def inserted(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks put in behind its header."""
    return data[:33] + b"".join(chunks) + data[33:]
