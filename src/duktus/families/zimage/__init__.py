"""Z-Image: a transformer on one stream of text and picture, Qwen3 as text encoder, flow matching.

This file works without torch; :mod:`duktus.families.zimage.loaded` holds the arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from duktus.domain.base import Base, Role
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.flow.schedules import check_flow_recipe
from duktus.families.folder_family import FolderFamily, StyleLayout
from duktus.families.schedules import check_no_guidance
from duktus.families.zimage import folder as zimage_folder
from duktus.families.zimage import single_file

if TYPE_CHECKING:
    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase
    from duktus.families.holding import Holding
    from duktus.families.safetensors_header import Header
    from duktus.families.single_file import SingleFile


class ZImage(FolderFamily):
    """The family's part of the contract that needs no torch, and the doors to the rest."""

    name = "zimage"
    role_texts: ClassVar = {
        Role.TEACH_AND_RENDER: "A style can be taught on this base and rendered with it.",
        Role.RENDER_ONLY: "This base is distilled to few steps, as Z-Image-Turbo is: render with it; "
        "teach on Z-Image (the base) or De-Turbo, whose styles it can render. De-Turbo's files look like "
        "Turbo's: if this is one, add it with --role 'teach and render'.",
        Role.TEACH_ONLY: "This base is for teaching; render with Z-Image-Turbo or another base of this "
        "family.",
    }
    taught = zimage_folder.FAMILY_TEACH

    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe a Z-Image text-to-image pipeline."""
        return zimage_folder.recognises(folder)

    def recognises_file(self, header: Header) -> SingleFile | None:
        """What a single file with that header is, when it is of this family."""
        return single_file.recognise(header)

    def describe(
        self, folder: Path, name: str, *, role: Role | None = None, hashes: FileHashes = EVERY_BYTE
    ) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""
        return zimage_folder.describe(folder, name, family=self.name, asked=role, hashes=hashes)

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """Refuse samplers and sizes that flow matching here does not have, and guidance, which it lacks."""
        check_flow_recipe(base.name, recipe)
        check_no_guidance(base.name, recipe.guidance)

    def loaded(self, base: Base, *, device: str, dtype: str, holding: Holding) -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        from duktus.families.zimage.loaded import LoadedZImage

        return LoadedZImage(base, device=device, dtype=dtype, holding=holding)

    def style_layout(self) -> StyleLayout:
        """That of peft, with alpha folded in."""
        from duktus.families.zimage.style_layout import LAYOUT

        return LAYOUT
