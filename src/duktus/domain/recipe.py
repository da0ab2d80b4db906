"""A recipe: everything that decides the pixels of one picture, frozen."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from duktus.domain.beginning import (
    MAX_SEED,
    Control,
    Hires,
    Mask,
    Reference,
    Refine,
    Source,
    Upscale,
    Variation,
)
from duktus.domain.canonical import Hash, canonical_json, sha256_hex, short_id
from duktus.domain.weighting import Weighting

__all__ = [
    "MAX_SEED",
    "AdapterRef",
    "BaseRef",
    "Hash",
    "Lane",
    "Numerics",
    "Recipe",
    "Sampler",
    "Schedule",
]


class Sampler(StrEnum):
    """How the noise is removed, under the field's names."""

    DDIM = "DDIM"
    EULER = "Euler"
    EULER_A = "Euler a"
    DPMPP_2M = "DPM++ 2M"
    DPMPP_2M_SDE = "DPM++ 2M SDE"
    UNIPC = "UniPC"
    HEUN = "Heun"
    LCM = "LCM"


class Schedule(StrEnum):
    """How the noise levels are spaced over the steps."""

    NORMAL = "normal"
    KARRAS = "Karras"
    EXPONENTIAL = "exponential"


class Lane(StrEnum):
    """``proof``: the same bits whatever shares the batch. ``draft``: as fast as possible."""

    PROOF = "proof"
    DRAFT = "draft"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseRef(_Frozen):
    """A base model: its name for people, the SHA-256 of its weights for the truth."""

    name: str = Field(min_length=1)
    weights: Hash


class AdapterRef(_Frozen):
    """One style in a recipe: the tensor hash of its file and how strongly it is applied."""

    name: str = Field(min_length=1)
    style: Hash
    strength: float = Field(ge=-4, le=4)
    strength_text: float | None = Field(default=None, ge=-4, le=4)
    """Of its text-encoder part; None where it has none."""
    word: str | None = Field(default=None, min_length=1)
    """The word of the prompts that stands for its vectors; None for a style that is none of words."""


class Numerics(_Frozen):
    """In which arithmetic the picture is computed."""

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    lane: Lane = Lane.PROOF


class Recipe(_Frozen):
    """Everything that decides the pixels of one picture.

    Sizes are pixels and multiples of 8. Noise always comes from a CPU generator seeded with ``seed``.
    Library versions, device and duration are facts about the asset, not part of the recipe. Fields that
    are ``None`` (or no controls or references) are left out of the canonical form, so a later field does
    not change ids.
    ``width`` and ``height`` are those of the first pass, with what a source is extended by.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    base: BaseRef
    adapters: tuple[AdapterRef, ...] = ()
    prompt: str
    negative_prompt: str = ""
    seed: int = Field(ge=0, le=MAX_SEED)
    steps: int = Field(ge=1, le=500)
    cfg: float = Field(ge=1, le=50)
    guidance: float | None = Field(default=None, ge=0, le=50)
    """Strength of guidance as an input of the network, for guidance-distilled bases only (FLUX.1 dev)."""
    sampler: Sampler
    schedule: Schedule
    width: int = Field(ge=64, le=8192, multiple_of=8)
    height: int = Field(ge=64, le=8192, multiple_of=8)
    noise: Literal["cpu"] = "cpu"
    numerics: Numerics = Numerics()
    variation: Variation | None = None
    source: Source | None = None
    mask: Mask | None = None
    controls: tuple[Control, ...] = ()
    references: tuple[Reference, ...] = ()
    hires: Hires | None = None
    refine: Refine | None = None
    upscale: Upscale | None = None
    weighting: Weighting | None = None
    """Whose reading of brackets in the prompts is followed; None: a bracket is a bracket."""
    clip_skip: int | None = Field(default=None, ge=2, le=24)
    """At which layer of the text encoder the prompts are read, counted from the last as A1111 does; None: at
    the base's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.mask is not None and self.source is None:
            raise ValueError("a mask needs a source picture")
        if self.source is not None and self.source.extend is not None:
            across, down = self.source.extend.added
            if self.width - across < 8 or self.height - down < 8:
                raise ValueError("extend leaves no room for the source picture")
        if self.hires is not None and self.source is not None:
            raise ValueError("a hires pass follows a picture made from noise, not one made from a source")
        if self.refine is not None:
            self._can_be_refined()
        taught = {(adapter.word.lower(), adapter.style) for adapter in self.adapters if adapter.word}
        if len({word for word, _ in taught}) < len(taught):
            raise ValueError("one word cannot stand for the vectors of two styles")
        return self

    def _can_be_refined(self) -> None:
        if self.source is not None or self.hires is not None:
            raise ValueError("a refiner finishes a picture made from noise, in one pass")
        if self.steps < 2:
            raise ValueError("a refiner needs at least one step after one of the base")
        if self.sampler is Sampler.HEUN:
            raise ValueError("Heun looks twice at every step and cannot hand over between its looks")

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the finished picture in pixels."""
        width, height = (self.hires.width, self.hires.height) if self.hires else (self.width, self.height)
        factor = self.upscale.factor if self.upscale else 1
        return width * factor, height * factor

    @property
    def pictures(self) -> tuple[str, ...]:
        """The hashes of the picture files this recipe is made from: source, mask, control and reference
        pictures.
        """
        first = [self.source.picture] if self.source else []
        first += [self.mask.picture] if self.mask else []
        first += [control.picture for control in self.controls]
        return tuple(dict.fromkeys([*first, *(reference.picture for reference in self.references)]))

    def as_json(self) -> dict[str, Any]:
        """The recipe as plain JSON data, without absent fields."""
        values = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name in ("controls", "references"):  # younger than the first recipes, whose ids must stay
            if not values[name]:
                del values[name]
        return values

    @cached_property
    def canonical(self) -> bytes:
        """The canonical JSON bytes (RFC 8785)."""
        return canonical_json(self.as_json())

    @cached_property
    def hash(self) -> str:
        """The full SHA-256 of the canonical bytes."""
        return sha256_hex(self.canonical)

    @cached_property
    def id(self) -> str:
        """``r-`` and the first 16 hex digits of the hash."""
        return short_id("r", self.hash)
