"""A base model as the workspace knows it, before any of its weights are loaded."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from duktus.domain.errors import InputError
from duktus.domain.recipe import BaseRef, Sampler, Schedule


class Role(StrEnum):
    """What a base may be used for."""

    TEACH_AND_RENDER = "teach and render"
    RENDER_ONLY = "render only"
    TEACH_ONLY = "teach only"
    INPAINTING = "inpainting"


def role_of(words: str) -> Role:
    """The role of that name; :class:`InputError` naming those there are."""
    plain = words.strip().lower().replace("-", " ")
    for role in Role:
        if plain == role.value:
            return role
    known = ", ".join(f"'{role.value}'" for role in Role)
    raise InputError(f"'{words}' is no role of a base.", f"Roles are: {known}.", "Give one of these.")


class RenderDefaults(BaseModel):
    """What a recipe takes when the person names nothing; measured per base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    height: int
    steps: int
    cfg: float
    sampler: Sampler
    schedule: Schedule
    negative_prompt: str = ""
    guidance: float | None = None
    """``None`` when the network takes no guidance as an input, which is so for nearly every base."""


class Base(BaseModel):
    """One base model of a family, pinned by the hash of its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    family: str
    weights: str
    folder: Path
    role: Role
    render: RenderDefaults

    @property
    def ref(self) -> BaseRef:
        """How a recipe names this base."""
        return BaseRef(name=self.name, weights=self.weights)
