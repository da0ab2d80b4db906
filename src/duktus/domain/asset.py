"""An asset: one picture made from one recipe."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from duktus.domain.recipe import Hash, Recipe


class PictureFormat(StrEnum):
    """A format for copies of a picture; the value is the ending of the file's name. Masters are PNG."""

    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    JPEG = "jpg"


class DraftMeasured(BaseModel):
    """How far a kind of draft was found to be from proof."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    psnr: float | None
    """In dB against the same recipe in the proof lane; None when they were identical."""
    recipe: str
    """The id of the recipe it was measured on."""


class Facts(BaseModel):
    """What was true while a picture was computed; what `verify` compares when bits differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    """``cpu``, ``cuda`` or ``mps``."""
    device_name: str
    instruction_set: str
    threads: int
    versions: dict[str, str]
    """Of duktus, torch, diffusers, transformers, numpy and Python."""
    seconds: float
    """Wall time of this picture's share of its batch."""
    draft: DraftMeasured | None = None
    """Of a picture of the draft lane."""


class Asset(BaseModel):
    """One picture. ``id`` is ``a-`` and 16 hex digits of ``file_hash``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    file_hash: Hash
    pixel_hash: Hash
    """SHA-256 of the raw RGB bytes, row by row: what `verify` promises."""
    path: str
    """Relative to the workspace, with forward slashes."""
    recipe: Recipe
    facts: Facts
    created: datetime
