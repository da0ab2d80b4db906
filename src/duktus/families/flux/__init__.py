"""FLUX.1: a transformer on pairs of streams (picture and text), CLIP and T5 text encoders, flow matching.

This file works without torch; :mod:`duktus.families.flux.loaded` holds the arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError
from duktus.families.family import TeachDefaults
from duktus.families.flow_schedules import check_flow_recipe
from duktus.families.flux import folder as flux_folder
from duktus.families.schedules import check_no_guidance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase


class Flux:
    """The family's part of the contract that needs no torch, and the doors to the rest."""

    name = "flux"

    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe a FLUX.1 text-to-image pipeline."""
        return flux_folder.recognises(folder)

    def describe(self, folder: Path, name: str, *, role: Role | None = None) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""
        return flux_folder.describe(folder, name, family=self.name, asked=role)

    def role_words(self, role: Role) -> str:
        """The role in words, with the way out where something is refused."""
        return {
            Role.TEACH_AND_RENDER: "A style can be taught on this base and rendered with it.",
            Role.RENDER_ONLY: "This base is distilled to few steps, as FLUX.1 [schnell] is: render with it; "
            "teach on FLUX.1 [dev], whose styles it can render.",
            Role.TEACH_ONLY: "This base is for teaching; render with FLUX.1 [dev] or another base of this "
            "family.",
        }[role]

    def teach_defaults(self, base: Base) -> TeachDefaults:
        """Starting values for about ten pictures, from ``duktus.json`` or the family's own."""
        return flux_folder.teach_defaults(base.folder)

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """Refuse samplers and sizes that flow matching here does not have, and guidance without its input."""
        check_flow_recipe(base.name, recipe)
        if base.render.guidance is None:
            check_no_guidance(base.name, recipe.guidance)

    def load(self, base: Base, *, device: str = "cpu", dtype: str = "float32") -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        from duktus.families.flux.loaded import LoadedFlux

        if base.family != self.name:
            raise InputError(f"{base.name} is a base of family {base.family}, not {self.name}.")
        return LoadedFlux(base, device=device, dtype=dtype)

    def write_style(
        self,
        path: Path,
        tensors: Mapping[str, tuple[Tensor, Tensor]],
        *,
        alpha: float,
        metadata: Mapping[str, str],
    ) -> str:
        """Write a style in the layout that loads everywhere for this family; return its tensor hash."""
        from duktus.families import peft_layout
        from duktus.families.flux.style_layout import LAYOUT

        return peft_layout.write(LAYOUT, path, tensors, alpha=alpha, metadata=metadata)

    def read_style(self, path: Path, base: LoadedBase) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, alpha / rank)}``, every module of the file found in ``base``."""
        from duktus.families import peft_layout
        from duktus.families.flux.style_layout import LAYOUT

        return peft_layout.read(LAYOUT, path, base.denoiser, base.base.name)
