"""The pixels of a picture from elsewhere, whatever its metadata is like."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from duktus.domain.errors import PictureError
from duktus.rendering.metadata.blocks import MAX_PIXELS, Contents
from duktus.rendering.metadata.explain import bare

_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, TypeError, KeyError,
    OverflowError, MemoryError, RuntimeError, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow's readers raise for damaged files; the set is theirs, not ours."""


def decode(data: bytes, contents: Contents, name: str) -> NDArray[np.uint8]:
    """The RGB pixels as the file stores them, (height, width, 3); of an animation the first picture.

    The metadata is taken out first: a text that is too large for the decoder must not cost the picture.

    Raises:
        PictureError: damaged, or larger than the limits; judged before anything is decoded.
    """
    if contents.width * contents.height > MAX_PIXELS:
        raise _too_large(name, contents.width, contents.height)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source: Any = io.BytesIO(bare(data, contents))
            with Image.open(source, formats=[contents.container.upper()]) as picture:
                width, height = picture.size
                if not 0 < width * height <= MAX_PIXELS:
                    raise _too_large(name, width, height)
                return np.asarray(picture.convert("RGB"))
    except _BROKEN as error:
        said = str(error) or type(error).__name__
        raise PictureError(
            f"The pixels of {name} are damaged:", f"{said[:200]}.", "Take it from where it came from again."
        ) from error


def _too_large(name: str, width: int, height: int) -> PictureError:
    return PictureError(
        f"{name} says it is {width} x {height} pixels.",
        f"At most {MAX_PIXELS:,} are read.",
        "Save it smaller.",
    )
