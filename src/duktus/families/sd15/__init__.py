"""Stable Diffusion 1.x: U-Net with cross-attention to one CLIP text encoder, KL autoencoder.

This file works without torch; :mod:`duktus.families.sd15.loaded` holds the arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError
from duktus.domain.weighting import Weighting
from duktus.families.family import TeachDefaults
from duktus.families.schedules import check_combination, check_no_guidance
from duktus.families.sd15 import folder as sd15_folder
from duktus.families.sd15 import single_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from duktus.domain.recipe import Recipe
    from duktus.families.control import ControlNetwork, LoadedControl
    from duktus.families.family import LoadedBase
    from duktus.families.safetensors_header import Header
    from duktus.families.single_file import SingleFile


class Sd15:
    """The family's part of the contract that needs no torch, and the doors to the rest."""

    name = "sd15"
    weighting: Weighting = "a1111"

    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe a Stable Diffusion 1.x pipeline."""
        return sd15_folder.recognises(folder)

    def recognises_file(self, header: Header) -> SingleFile | None:
        """What a single file with that header is, when it is of this family."""
        return single_file.recognise(header)

    def describe(self, folder: Path, name: str, *, role: Role | None = None) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""
        return sd15_folder.describe(folder, name, family=self.name, asked=role)

    def role_words(self, role: Role) -> str:
        """The role in words, with the way out where something is refused."""
        return {
            Role.TEACH_AND_RENDER: "A style can be taught on this base and rendered with it.",
            Role.RENDER_ONLY: "This base only renders: it is distilled (LCM, Lightning, Hyper). Teach on the "
            "base it was distilled from, then render with this one.",
            Role.TEACH_ONLY: "This base is for teaching; render with a base of the same family made for it.",
        }[role]

    def teach_defaults(self, base: Base) -> TeachDefaults:
        """Starting values for about ten pictures, from ``duktus.json`` or the family's own."""
        return sd15_folder.teach_defaults(base.folder)

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """Refuse samplers without that schedule, and guidance, which this family does not know."""
        check_combination(recipe.sampler, recipe.schedule, recipe.steps)
        check_no_guidance(base.name, recipe.guidance)

    def load(self, base: Base, *, device: str = "cpu", dtype: str = "float32") -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        from duktus.families.sd15.loaded import LoadedSd15

        if base.family != self.name:
            raise InputError(f"{base.name} is a base of family {base.family}, not {self.name}.")
        return LoadedSd15(base, device=device, dtype=dtype)

    def write_style(
        self,
        path: Path,
        tensors: Mapping[str, tuple[Tensor, Tensor]],
        *,
        alpha: float,
        metadata: Mapping[str, str],
    ) -> str:
        """Write a style in the layout that loads everywhere for this family; return its tensor hash."""
        from duktus.families import kohya_layout
        from duktus.families.sd15.style_layout import LAYOUT

        return kohya_layout.write(LAYOUT, path, tensors, alpha=alpha, metadata=metadata)

    def read_style(self, path: Path, base: LoadedBase) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, alpha / rank)}``, every module of the file found in ``base``."""
        from duktus.families import kohya_layout
        from duktus.families.sd15.style_layout import LAYOUT

        return kohya_layout.read(LAYOUT, path, base.denoiser, base.base.name)

    def describe_control(self, folder: Path) -> ControlNetwork:
        """The ControlNet in ``folder``, checked and hashed."""
        from duktus.families.sd15 import control

        return control.describe(folder)

    def load_control(self, network: ControlNetwork, base: LoadedBase) -> LoadedControl:
        """The ControlNet in memory, beside a base of this family."""
        from duktus.families.sd15.loaded import LoadedSd15
        from duktus.families.sd15.loaded_control import LoadedSd15Control

        assert isinstance(base, LoadedSd15)
        return LoadedSd15Control(network, base)
