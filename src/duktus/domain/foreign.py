"""A foreign recipe: what another program wrote into a picture about its making, in our words.

Every value is one that a file from elsewhere claimed. It is typed and within bounds, but nobody here has
checked that it is true, and most files say less than a :class:`duktus.domain.recipe.Recipe` needs.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from duktus.domain.asset import Asset
from duktus.domain.canonical import Hash
from duktus.domain.recipe import Recipe

MAX_FOREIGN_SEED = 2**64 - 1
MAX_EDGE = 100_000
"""Pixels."""
MAX_WORDS = 100_000
"""Characters of a prompt."""
MAX_LEFT = 2_000
"""Characters kept of a value that could not be mapped; the file itself keeps all of it."""


class Tool(StrEnum):
    """Which program wrote the description."""

    DUKTUS = "duktus"
    A1111 = "A1111"
    FORGE = "Forge"
    COMFYUI = "ComfyUI"
    INVOKEAI = "InvokeAI"
    SWARMUI = "SwarmUI"
    FOOOCUS = "Fooocus"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ForeignModel(_Frozen):
    """A model as a file names it. ``hash`` as written, of whatever kind; empty when none is given."""

    name: str = Field(max_length=MAX_LEFT)
    hash: str = Field(default="", max_length=200)


class ForeignAdapter(_Frozen):
    """A LoRA as a file names it. ``strength_text`` is its strength on the text encoder where that differs."""

    name: str = Field(max_length=MAX_LEFT)
    strength: float = Field(ge=-100, le=100)
    strength_text: float | None = Field(default=None, ge=-100, le=100)
    hash: str = Field(default="", max_length=200)


class Unmapped(_Frozen):
    """Something a file says that has no place in a recipe of ours, and why."""

    name: str = Field(max_length=MAX_LEFT)
    value: str = Field(max_length=MAX_LEFT)
    why: str = Field(max_length=MAX_LEFT)


class ForeignRecipe(_Frozen):
    """What a picture from another program says about its making; ``None`` where it says nothing.

    ``sampler`` and ``schedule`` are ours where we have the same, otherwise as written. Sizes are pixels.
    ``noise`` is ``cpu`` or ``gpu``: which generator drew it.
    """

    tool: Tool
    version: str = Field(default="", max_length=MAX_LEFT)
    prompt: str | None = Field(default=None, max_length=MAX_WORDS)
    negative_prompt: str | None = Field(default=None, max_length=MAX_WORDS)
    seed: int | None = Field(default=None, ge=0, le=MAX_FOREIGN_SEED)
    steps: int | None = Field(default=None, ge=1, le=10_000)
    cfg: float | None = Field(default=None, ge=0, le=1000)
    guidance: float | None = Field(default=None, ge=0, le=1000)
    """As an input of the network, beside cfg (FLUX.1 dev)."""
    sampler: str | None = Field(default=None, max_length=MAX_LEFT)
    schedule: str | None = Field(default=None, max_length=MAX_LEFT)
    width: int | None = Field(default=None, ge=1, le=MAX_EDGE)
    height: int | None = Field(default=None, ge=1, le=MAX_EDGE)
    denoise: float | None = Field(default=None, ge=0, le=1)
    variation_seed: int | None = Field(default=None, ge=0, le=MAX_FOREIGN_SEED)
    variation_strength: float | None = Field(default=None, ge=0, le=1)
    clip_skip: int | None = Field(default=None, ge=1, le=24)
    noise: str | None = Field(default=None, pattern="^(cpu|gpu)$")
    model: ForeignModel | None = None
    adapters: tuple[ForeignAdapter, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()


class ForeignPicture(_Frozen):
    """A picture of another program, taken into the archive as it was. ``id`` is ``f-`` and 16 hex digits."""

    id: str
    file_hash: Hash
    pixel_hash: Hash
    """SHA-256 of the raw RGB bytes."""
    path: str
    """Under its name for people, relative to the workspace."""
    source: str
    """Where it was first found."""
    container: str
    width: int
    height: int
    recipe: Recipe | None
    """When duktus made it, perhaps in another workspace."""
    foreign: ForeignRecipe | None
    notes: tuple[str, ...]
    """What was damaged or doubtful in its metadata."""
    created: datetime

    @property
    def said(self) -> Recipe | ForeignRecipe | None:
        """What is known of its making: our recipe, else what another program wrote, else nothing."""
        return self.recipe or self.foreign

    @property
    def tool(self) -> str:
        """The program that made it; empty when its file does not say."""
        if self.recipe is not None:
            return Tool.DUKTUS.value
        return self.foreign.tool.value if self.foreign else ""


Picture = Asset | ForeignPicture
"""Whatever a person can look at, decide about, collect and go on from."""
