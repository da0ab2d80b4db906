"""Opening one picture from an unknown hand: checked before it is decoded, always the same sRGB pixels.

What a file is comes from its first bytes, never from its name. Nothing is decoded before size and pixel
count are known, so a small file that unfolds to gigabytes is refused from its header.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms, ImageOps

from duktus.domain.errors import PictureError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_PIXELS = 40_000_000

PICTURE_SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".webp",
        ".tif",
        ".tiff",
        ".gif",
        ".bmp",
        ".heic",
        ".heif",
        ".avif",
        ".psd",
        ".jxl",
        ".jp2",
        ".tga",
    ]
)
"""Names that promise a picture: a file so named that holds something else is an error, not a stray."""

_READ_AS = "Save it as PNG, JPEG, WebP or TIFF."
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, TypeError)
"""What Pillow's readers raise for damaged files; the set is theirs, not ours."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A decoded picture: ``pixels`` (height, width, 3) uint8 sRGB, upright, without alpha."""

    pixels: NDArray[np.uint8]
    sha256: str
    """Of the file."""
    pixel_hash: str
    """Of size and pixels, so that two files with one picture are found."""
    notes: tuple[str, ...]
    """What was done to it, in words."""
    alpha: NDArray[np.uint8] | None = None
    """(height, width) opacity, where any part is not opaque."""


def kind_of(head: bytes) -> str | None:
    """The format that the first 16 bytes of a file announce, if it is one we read."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "TIFF"
    return None


def open_picture(path: Path, *, smallest: int = 1) -> Opened:
    """The picture in ``path`` as upright 8-bit sRGB on white.

    ``smallest`` is the least number of pixels its short side must have. Raises :class:`PictureError`
    whose three parts do not repeat the file name.
    """
    data = _read(path)
    kind = kind_of(data[:16])
    if kind is None:
        raise PictureError("is not a picture that duktus reads.", f"It begins with {_look(data)}.", _READ_AS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # e.g. corrupt EXIF, which we do not need
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                _check_size(image.size, smallest)
                image.load()
                pixels, notes, alpha = _to_srgb(image)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(_first_number(str(error))) from error
    except _BROKEN as error:
        raise PictureError(
            "is damaged or incomplete.",
            f"Decoding stopped: {str(error).rstrip('.')}.",
            "Copy or export it again from the original.",
        ) from error
    return Opened(pixels, hashlib.sha256(data).hexdigest(), pixel_hash(pixels), notes, alpha)


def pixel_hash(pixels: NDArray[np.uint8]) -> str:
    """The SHA-256 of a picture's size and raw RGB bytes."""
    return hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def look_hash(pixels: NDArray[np.uint8]) -> int:
    """256 bits that barely change when a picture is scaled, recompressed or slightly toned.

    Each bit says whether a point of the picture, shrunk to 17 x 16 grey points, is brighter than its
    right neighbour (a difference hash).
    """
    grey = np.asarray(
        Image.fromarray(pixels).convert("L").resize((17, 16), Image.Resampling.BOX), dtype=np.int16
    )
    bits = (grey[:, 1:] > grey[:, :-1]).reshape(-1)
    return int.from_bytes(np.packbits(bits).tobytes())


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size == 0:
            raise PictureError("is empty.", "The file has no bytes.", "Copy it again from the original.")
        if size > MAX_FILE_BYTES:
            raise PictureError(
                f"has {size / 2**20:,.0f} MB.",
                f"Pictures may have at most {MAX_FILE_BYTES // 2**20} MB.",
                "Export a smaller copy.",
            )
        return path.read_bytes()
    except OSError as error:
        raise PictureError(
            "cannot be read.", f"{error.strerror or error}.", "Check its permissions."
        ) from error


def _check_size(size: tuple[int, int], smallest: int) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(width * height, f"{width:,} x {height:,} = ")
    if min(width, height) < smallest:
        raise PictureError(
            f"is too small: {width} x {height} pixels.",
            f"Its short side needs at least {smallest} pixels to show a hand at this resolution.",
            "Use a larger scan or export, or teach at a smaller resolution.",
        )


def _too_many_pixels(pixels: int, product: str = "") -> PictureError:
    return PictureError(
        f"is too large: {product}{pixels:,} pixels.",
        f"Pictures may have at most {MAX_PIXELS:,}; it was not decoded.",
        "Export a smaller copy; what is taught or drawn is far below that.",
    )


def _first_number(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found.group()) if found else MAX_PIXELS + 1


def _look(data: bytes) -> str:
    head = data[:12]
    if head.isascii() and head.decode("ascii").isprintable():
        return f"the text {head.decode('ascii')!r}"
    return f"the bytes {head[:8].hex(' ')}"


def _to_srgb(
    image: Image.Image,
) -> tuple[NDArray[np.uint8], tuple[str, ...], NDArray[np.uint8] | None]:
    notes: list[str] = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        notes.append("holds several frames; the first is used")
    profile = image.info.get("icc_profile")
    turned = ImageOps.exif_transpose(image)
    if turned.size != image.size or image.getexif().get(0x0112, 1) != 1:
        notes.append("turned upright as its EXIF orientation says")
    flat, alpha = _split_alpha(_eight_bit(turned, notes))
    rgb = _apply_profile(flat, profile, notes) if profile else _plain_rgb(flat, notes)
    opacity = None
    if alpha is not None and alpha.getextrema() != (255, 255):
        opacity = np.asarray(alpha, dtype=np.uint8).copy()
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
        notes.append("has transparent parts; laid on white")
    return np.asarray(rgb, dtype=np.uint8).copy(), tuple(notes), opacity


def _eight_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode == "F":
        raise PictureError(
            "holds floating-point values.", "Their range is not defined.", "Export it with 8 or 16 bits."
        )
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise PictureError("has more than 16 bits a channel.", "", "Export it with 8 or 16 bits.")
    notes.append("has 16 bits of grey; reduced to 8")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode in {"P", "L", "RGB", "1"} and "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode == "P":
        image = image.convert("RGB")
    elif image.mode in {"LA", "La", "RGBa", "PA"}:
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    if image.mode == "RGBA":
        return image.convert("RGB"), image.getchannel("A")
    return image, None


def _plain_rgb(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode == "CMYK":
        notes.append("is CMYK without a colour profile; converted by the plain formula")
    return image if image.mode == "RGB" else image.convert("RGB")


def _apply_profile(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    """``image`` in sRGB; a profile that cannot be used is said and left out."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip()
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("carries a colour profile that cannot be used; read as sRGB")
        return _plain_rgb(image, notes)
    assert converted is not None  # only in-place conversion returns nothing
    if "srgb" not in name.lower():
        notes.append(f"converted from its colour profile ({name or 'unnamed'}) to sRGB")
    return converted
