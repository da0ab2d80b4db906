"""Z-Image: a transformer on one stream of text and picture, Qwen3 as text encoder, flow matching.

This file works without torch; :mod:`duktus.families.zimage.loaded` holds the arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError
from duktus.families.family import TeachDefaults
from duktus.families.flow_schedules import check_flow_recipe
from duktus.families.schedules import check_no_guidance
from duktus.families.zimage import folder as zimage_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase


class ZImage:
    """The family's part of the contract that needs no torch, and the doors to the rest."""

    name = "zimage"

    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe a Z-Image text-to-image pipeline."""
        return zimage_folder.recognises(folder)

    def describe(self, folder: Path, name: str, *, role: Role | None = None) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""
        return zimage_folder.describe(folder, name, family=self.name, asked=role)

    def role_words(self, role: Role) -> str:
        """The role in words, with the way out where something is refused."""
        return {
            Role.TEACH_AND_RENDER: "A style can be taught on this base and rendered with it.",
            Role.RENDER_ONLY: "This base is distilled to few steps, as Z-Image-Turbo is: render with it; "
            "teach on Z-Image (the base) or De-Turbo, whose styles it can render. De-Turbo's files look like "
            "Turbo's: if this is one, add it with --role 'teach and render'.",
            Role.TEACH_ONLY: "This base is for teaching; render with Z-Image-Turbo or another base of this "
            "family.",
        }[role]

    def teach_defaults(self, base: Base) -> TeachDefaults:
        """Starting values for about ten pictures, from ``duktus.json`` or the family's own."""
        return zimage_folder.teach_defaults(base.folder)

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """Refuse samplers and sizes that flow matching here does not have, and guidance, which it lacks."""
        check_flow_recipe(base.name, recipe)
        check_no_guidance(base.name, recipe.guidance)

    def load(self, base: Base, *, device: str = "cpu", dtype: str = "float32") -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        from duktus.families.zimage.loaded import LoadedZImage

        if base.family != self.name:
            raise InputError(f"{base.name} is a base of family {base.family}, not {self.name}.")
        return LoadedZImage(base, device=device, dtype=dtype)

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
        from duktus.families.zimage.style_layout import LAYOUT

        return peft_layout.write(LAYOUT, path, tensors, alpha=alpha, metadata=metadata)

    def read_style(self, path: Path, base: LoadedBase) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, alpha / rank)}``, every module of the file found in ``base``."""
        from duktus.families import peft_layout
        from duktus.families.zimage.style_layout import LAYOUT

        return peft_layout.read(LAYOUT, path, base.denoiser, base.base.name)
