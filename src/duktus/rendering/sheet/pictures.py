"""Picture files as the sheet needs them: safely opened, measured against each other, embedded."""

from __future__ import annotations

import base64
import io
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

MAX_PIXELS = 64_000_000
"""Larger pictures are not decoded for a sheet."""

_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


class UnreadableError(Exception):
    """A picture file that exists and cannot be shown."""


def open_picture(path: Path) -> Image.Image:
    """The decoded RGB picture; FileNotFoundError, or :class:`UnreadableError` for everything else."""
    if not path.is_file():
        raise FileNotFoundError(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=tuple(_TYPES)) as file:
                if file.width * file.height > MAX_PIXELS:
                    raise UnreadableError(path)
                return file.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError(path) from error


@lru_cache(maxsize=64)
def _pixels(path: Path, _stamp: tuple[int, int]) -> np.ndarray:
    return np.asarray(open_picture(path))


def _stamped(path: Path) -> np.ndarray:
    """The pixels, remembered until the file changes."""
    if not path.is_file():
        raise FileNotFoundError(path)
    stat = path.stat()
    return _pixels(path, (stat.st_mtime_ns, stat.st_size))


def mean_change(one: Path, other: Path) -> float | None:
    """Mean absolute difference of two pictures as a share of the full range, 0..1.

    0.0 exactly when every pixel is identical; None when one cannot be read or the sizes differ.
    """
    try:
        a, b = _stamped(one), _stamped(other)
    except (FileNotFoundError, UnreadableError):
        return None
    if a.shape != b.shape:
        return None
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean()) / 255


def data_uri(path: Path) -> str:
    """The file itself, byte for byte with its metadata, as a data URI; it has been opened successfully."""
    raw = path.read_bytes()
    with Image.open(io.BytesIO(raw), formats=tuple(_TYPES)) as file:
        kind = _TYPES[str(file.format)]
    return f"data:{kind};base64,{base64.b64encode(raw).decode('ascii')}"


def preview_uri(picture: Image.Image, longest: int) -> str:
    """A WebP of at most ``longest`` pixels a side as a data URI, for series too large to embed whole."""
    small = picture.copy()
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=86)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
