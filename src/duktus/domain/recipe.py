"""A recipe: everything that decides the pixels of one picture, frozen."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from duktus.domain.canonical import canonical_json, sha256_hex, short_id

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A full SHA-256 as 64 lower-case hex digits."""

MAX_SEED = 2**32 - 1


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


class Numerics(_Frozen):
    """In which arithmetic the picture is computed."""

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    lane: Lane = Lane.PROOF


class Recipe(_Frozen):
    """Everything that decides the pixels of one picture.

    Sizes are pixels and multiples of 8. Noise always comes from a CPU generator seeded with ``seed``.
    Library versions, device and duration are facts about the asset, not part of the recipe. Fields that
    are ``None`` are left out of the canonical form, so a later field does not change today's ids.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    base: BaseRef
    adapters: tuple[AdapterRef, ...] = ()
    prompt: str
    negative_prompt: str = ""
    seed: int = Field(ge=0, le=MAX_SEED)
    steps: int = Field(ge=1, le=500)
    cfg: float = Field(ge=1, le=50)
    sampler: Sampler
    schedule: Schedule
    width: int = Field(ge=64, le=8192, multiple_of=8)
    height: int = Field(ge=64, le=8192, multiple_of=8)
    noise: Literal["cpu"] = "cpu"
    numerics: Numerics = Numerics()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def as_json(self) -> dict[str, Any]:
        """The recipe as plain JSON data, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

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
