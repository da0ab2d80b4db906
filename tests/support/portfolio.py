"""Folders of small made-up pictures, and picture files that lie."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

TRIGGER = "sportrait-laz"


def pixels(seed: int, width: int = 72, height: int = 64) -> np.ndarray:
    """Smooth random colours, different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def write_pictures(folder: Path, count: int, *, caption: str = f"{TRIGGER}, a woman, number") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(pixels(number)).save(folder / f"p{number}.png")
        (folder / f"p{number}.txt").write_text(f"{caption} {number % 4}", encoding="utf-8")
    return folder


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header promises that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )
