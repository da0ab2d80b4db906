"""What a picture begins from beside noise and words: another picture, a mask, control pictures, a first pass.

Pictures are named by the SHA-256 of their file in the archive's store, networks by the hash of their folder.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from duktus.domain.canonical import Hash

MAX_SEED = 2**32 - 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Variation(_Frozen):
    """A second seed and how far the start noise turns towards it: 1 is that seed's own noise."""

    seed: int = Field(ge=0, le=MAX_SEED)
    strength: float = Field(gt=0, le=1)


class Extend(_Frozen):
    """By how many pixels the canvas grows beyond the source picture on each side (outpainting)."""

    left: int = Field(default=0, ge=0, le=8192, multiple_of=8)
    top: int = Field(default=0, ge=0, le=8192, multiple_of=8)
    right: int = Field(default=0, ge=0, le=8192, multiple_of=8)
    bottom: int = Field(default=0, ge=0, le=8192, multiple_of=8)

    @property
    def added(self) -> tuple[int, int]:
        """Pixels added across and down."""
        return self.left + self.right, self.top + self.bottom


class Source(_Frozen):
    """The picture that is drawn over. ``denoise`` is the share of the steps that run: 1 forgets it."""

    picture: Hash
    denoise: float = Field(gt=0, le=1)
    extend: Extend | None = None


class Mask(_Frozen):
    """Where the source may change: white is painted anew, black comes back exactly.

    ``feather`` softens the edge *inside* the white part, in pixels of the finished picture.
    """

    picture: Hash
    feather: int = Field(default=0, ge=0, le=512)


class ControlKind(StrEnum):
    """What a control picture shows."""

    CANNY = "canny"
    """White edges on black."""
    LINE = "line"
    """A drawing in white lines on black."""
    DEPTH = "depth"
    """Near is white, far is black."""
    POSE = "pose"
    """The coloured skeleton of OpenPose."""


class Control(_Frozen):
    """A network that holds the picture to a control picture, between two shares of the steps."""

    kind: ControlKind
    name: str = Field(min_length=1)
    """Of the network, for people."""
    network: Hash
    picture: Hash
    weight: float = Field(default=1.0, ge=0, le=2)
    start: float = Field(default=0.0, ge=0, le=1)
    end: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("a control must end after it starts")
        return self


class Reference(_Frozen):
    """A picture that the base looks at as at a second prompt, through a network of that kind (IP-Adapter)."""

    name: str = Field(min_length=1)
    """Of the network, for people."""
    network: Hash
    picture: Hash
    weight: float = Field(default=1.0, ge=0, le=2)


class Hires(_Frozen):
    """A second pass at a larger size: the first is enlarged (``by``) and drawn over again."""

    width: int = Field(ge=64, le=8192, multiple_of=8)
    height: int = Field(ge=64, le=8192, multiple_of=8)
    steps: int = Field(ge=1, le=500)
    denoise: float = Field(gt=0, le=1)
    by: Literal["latent", "pixel"] = "latent"


class Refine(_Frozen):
    """Another base of the family that takes the picture over where ``at`` of the noise levels are behind it.

    Of the trained noise levels, from noise to picture: with 0.8 it does the last fifth.
    """

    name: str = Field(min_length=1)
    """Of that base, for people."""
    weights: Hash
    at: float = Field(default=0.8, gt=0, lt=1)


class Upscale(_Frozen):
    """A network that enlarges the finished picture ``factor`` times, tile by tile."""

    name: str = Field(min_length=1)
    """Of the network, for people."""
    network: Hash
    factor: int = Field(ge=1, le=8)
    tile: int = Field(ge=64, le=2048)
    overlap: int = Field(ge=0, le=31)
    """Pixels of the smaller picture on each side of a tile; less than half of the smallest tile."""


def steps_skipped(steps: int, denoise: float) -> int:
    """How many of the first steps a picture drawn over another leaves out; at least one step runs.

    The rule of diffusers' image-to-image pipelines: ``steps - int(steps * denoise)``.
    """
    return steps - max(1, min(int(steps * denoise), steps))
