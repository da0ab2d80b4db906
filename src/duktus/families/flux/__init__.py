"""FLUX.1: a transformer on pairs of streams (picture and text), CLIP and T5 text encoders, flow matching.

This file works without torch; :mod:`duktus.families.flux.loaded` holds the arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from duktus.domain.base import Base, Role
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.flow.schedules import check_flow_recipe
from duktus.families.flux import folder as flux_folder
from duktus.families.flux import single_file
from duktus.families.folder_family import FolderFamily, StyleLayout
from duktus.families.schedules import check_no_guidance

if TYPE_CHECKING:
    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase
    from duktus.families.holding import Holding
    from duktus.families.safetensors_header import Header
    from duktus.families.single_file import SingleFile


class Flux(FolderFamily):
    """The family's part of the contract that needs no torch, and the doors to the rest."""

    name = "flux"
    role_texts: ClassVar = {
        Role.TEACH_AND_RENDER: "A style can be taught on this base and rendered with it.",
        Role.RENDER_ONLY: "This base is distilled to few steps, as FLUX.1 [schnell] is: render with it; "
        "teach on FLUX.1 [dev], whose styles it can render.",
        Role.TEACH_ONLY: "This base is for teaching; render with FLUX.1 [dev] or another base of this "
        "family.",
    }
    taught = flux_folder.FAMILY_TEACH

    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe a FLUX.1 text-to-image pipeline."""
        return flux_folder.recognises(folder)

    def recognises_file(self, header: Header) -> SingleFile | None:
        """What a single file with that header is, when it is of this family."""
        return single_file.recognise(header)

    def describe(
        self, folder: Path, name: str, *, role: Role | None = None, hashes: FileHashes = EVERY_BYTE
    ) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""
        return flux_folder.describe(folder, name, family=self.name, asked=role, hashes=hashes)

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """Refuse samplers and sizes that flow matching here does not have, and guidance without its input."""
        check_flow_recipe(base.name, recipe)
        if base.render.guidance is None:
            check_no_guidance(base.name, recipe.guidance)

    def loaded(self, base: Base, *, device: str, dtype: str, holding: Holding) -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        from duktus.families.flux.loaded import LoadedFlux

        return LoadedFlux(base, device=device, dtype=dtype, holding=holding)

    def style_layout(self) -> StyleLayout:
        """That of peft, with alpha folded in."""
        from duktus.families.flux.style_layout import LAYOUT

        return LAYOUT
