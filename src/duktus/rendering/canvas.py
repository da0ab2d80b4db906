"""What a picture is drawn over: the source at the size, its extension, and where it may change."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from duktus.rendering.compare import Pixels
from duktus.rendering.files import read_pixels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from duktus.domain.beginning import Extend
    from duktus.domain.recipe import Recipe

Openness = NDArray[np.float32]
"""(height, width), 0: comes back exactly, 1: painted anew; between: mixed."""

NEARLY = 8
"""Pixels by which a source may be larger than its place and still be cut instead of scaled."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """``pixels`` (h, w, 3) at the size of the recipe; ``open`` is None where everything may change."""

    pixels: Pixels
    open: Openness | None

    def composed(self, painted: Pixels) -> Pixels:
        """``painted`` where the canvas is open, the source's own bytes where it is closed."""
        if self.open is None:
            return painted
        share = self.open[:, :, None]
        mixed = self.pixels.astype(np.float32) * (1 - share) + painted.astype(np.float32) * share
        return np.where(share > 0, np.rint(mixed), self.pixels).astype(np.uint8)


def canvas(recipe: Recipe, find: Callable[[str], Path]) -> Canvas | None:
    """The canvas of a recipe with a source, or None; ``find`` gives the file behind a hash.

    Without scaling when the source has the size asked for, or up to 7 pixels more (they are cut, middle
    stays middle); else it is scaled to cover its place and cut around its middle.
    """
    if recipe.source is None:
        return None
    extend = recipe.source.extend
    across, down = extend.added if extend else (0, 0)
    place = (recipe.width - across, recipe.height - down)
    source = Image.fromarray(read_pixels(find(recipe.source.picture)))
    pixels = np.asarray(fitted(source, place))
    share: Openness | None = None
    if recipe.mask is not None:
        mask = Image.fromarray(read_pixels(find(recipe.mask.picture))).convert("L")
        if mask.size != source.size:
            mask = mask.resize(source.size, Image.Resampling.BILINEAR)
        share = (np.asarray(fitted(mask, place), dtype=np.float32) / 255).astype(np.float32)
    if extend is not None and (across or down):
        pixels, share = _extended(pixels, share, extend)
    if share is not None and recipe.mask is not None and recipe.mask.feather:
        share = feathered(share, recipe.mask.feather)
    return Canvas(pixels, share)


def fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """``picture`` at exactly that size: cut when barely larger, else scaled to cover and cut."""
    width, height = size
    if 0 <= picture.width - width < NEARLY and 0 <= picture.height - height < NEARLY:
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        return picture.crop((left, top, left + width, top + height))
    scale = max(width / picture.width, height / picture.height)
    seen = (width / scale, height / scale)
    left, top = (picture.width - seen[0]) / 2, (picture.height - seen[1]) / 2
    box = (left, top, left + seen[0], top + seen[1])
    return picture.resize(size, Image.Resampling.LANCZOS, box=box)


def feathered(share: Openness, pixels: int) -> Openness:
    """The same with a soft edge *inside* the open part: 0 at its edge, 1 that many pixels in."""
    opened = Image.fromarray(np.where(share > 0, 255, 0).astype(np.uint8))
    soft = np.asarray(opened.filter(ImageFilter.BoxBlur(pixels)), dtype=np.float32) / 255
    return np.where(share > 0, share * np.clip(soft * 2 - 1, 0, 1), 0).astype(np.float32)


def free_latents(share: Openness, shrink: int) -> NDArray[np.bool_]:
    """(h / shrink, w / shrink): whether any pixel of a latent's block may change."""
    height, width = share.shape
    blocks = share.reshape(height // shrink, shrink, width // shrink, shrink)
    return blocks.max(axis=(1, 3)) > 0


def _extended(pixels: Pixels, share: Openness | None, extend: Extend) -> tuple[Pixels, Openness]:
    """The canvas grown; the new room begins as the source's edge drawn out, and is open."""
    sides = ((extend.top, extend.bottom), (extend.left, extend.right))
    inner = np.zeros(pixels.shape[:2], np.float32) if share is None else share
    grown = np.pad(pixels, (*sides, (0, 0)), mode="edge")
    return grown, np.pad(inner, sides, constant_values=1.0).astype(np.float32)


def plain_png(pixels: Pixels) -> bytes:
    """A PNG of (h, w, 3) bytes that says nothing but its pixels: equal pixels give equal bytes."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=6)
    return out.getvalue()
