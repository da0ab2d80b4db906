"""Stable Diffusion 1.x: U-Net with cross-attention to one CLIP text encoder, KL autoencoder.

This file works without torch; :mod:`duktus.families.sd15.loaded` holds the arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from duktus.domain.base import Base, Role
from duktus.domain.weighting import Weighting
from duktus.families.clip_layers import ClipLayers, clip_layers
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.folder_family import FolderFamily, StyleLayout
from duktus.families.schedules import check_combination, check_no_guidance
from duktus.families.sd15 import folder as sd15_folder
from duktus.families.sd15 import single_file
from duktus.families.unet.doors import TakesUnetControls, TakesUnetReferences, TeachesClipWords
from duktus.families.unet.inpainting import check_paints

if TYPE_CHECKING:
    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase
    from duktus.families.holding import Holding
    from duktus.families.safetensors_header import Header
    from duktus.families.single_file import SingleFile
    from duktus.families.word_layout import WordLayout


class Sd15(FolderFamily, TakesUnetControls, TakesUnetReferences, TeachesClipWords):
    """The family's part of the contract that needs no torch, and the doors to the rest."""

    name = "sd15"
    weighting: Weighting = "a1111"
    role_texts: ClassVar = {
        Role.TEACH_AND_RENDER: "A style can be taught on this base and rendered with it.",
        Role.RENDER_ONLY: "This base only renders: it is distilled (LCM, Lightning, Hyper). Teach on the "
        "base it was distilled from, then render with this one.",
        Role.TEACH_ONLY: "This base is for teaching; render with a base of the same family made for it.",
    }
    taught = sd15_folder.FAMILY_TEACH
    taught_word = sd15_folder.FAMILY_WORD

    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe a Stable Diffusion 1.x pipeline."""
        return sd15_folder.recognises(folder)

    def recognises_file(self, header: Header) -> SingleFile | None:
        """What a single file with that header is, when it is of this family."""
        return single_file.recognise(header)

    def describe(
        self, folder: Path, name: str, *, role: Role | None = None, hashes: FileHashes = EVERY_BYTE
    ) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""
        return sd15_folder.describe(folder, name, family=self.name, asked=role, hashes=hashes)

    def clip_layers(self, base: Base) -> ClipLayers:
        """At which layers of its text encoders a text can be read; by itself at the last."""
        return clip_layers(base.folder, own=1)

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """Refuse samplers without that schedule, guidance, which this family does not know, and anything but
        painting within a picture on a base made for it.
        """
        check_combination(recipe.sampler, recipe.schedule, recipe.steps)
        check_no_guidance(base.name, recipe.guidance)
        check_paints(base, recipe)

    def loaded(self, base: Base, *, device: str, dtype: str, holding: Holding) -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        from duktus.families.sd15.loaded import LoadedSd15

        return LoadedSd15(base, device=device, dtype=dtype, holding=holding)

    def style_layout(self) -> StyleLayout:
        """That of kohya-ss/sd-scripts."""
        from duktus.families.sd15.style_layout import LAYOUT

        return LAYOUT

    def word_layout(self) -> WordLayout:
        """That of kohya-ss/sd-scripts."""
        from duktus.families.sd15.style_layout import WORD_LAYOUT

        return WORD_LAYOUT
