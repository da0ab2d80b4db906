"""How far two pictures are apart."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duktus.domain.errors import MismatchError

Pixels = NDArray[np.uint8]
"""(height, width, 3), RGB."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The distance of two pictures of one size."""

    identical: bool
    max_abs: int
    """Largest difference of a channel, 0 to 255."""
    psnr: float
    """Peak signal-to-noise ratio in dB; infinite when identical."""


def compare(a: Pixels, b: Pixels) -> Difference:
    """The difference of two pictures; :class:`MismatchError` when their sizes differ."""
    if a.shape != b.shape:
        raise MismatchError(f"The pictures differ in size: {_size(a)} and {_size(b)}.")
    distance = np.abs(a.astype(np.int16) - b.astype(np.int16))
    error = float(np.mean(np.square(distance, dtype=np.float64)))
    return Difference(
        identical=error == 0,
        max_abs=int(distance.max(initial=0)),
        psnr=math.inf if error == 0 else 10 * math.log10(255**2 / error),
    )


def pixel_hash(pixels: Pixels) -> str:
    """SHA-256 of the raw RGB bytes, row by row: what `verify` promises."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
