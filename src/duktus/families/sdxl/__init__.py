"""Stable Diffusion XL, base and refiner: a U-Net that also sees a pooled text and the size of the picture.

This file works without torch; :mod:`duktus.families.sdxl.loaded` holds the arithmetic.
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
from duktus.families.sdxl import folder as sdxl_folder
from duktus.families.sdxl import single_file
from duktus.families.unet.doors import TakesUnetControls, TakesUnetReferences, TeachesClipWords
from duktus.families.unet.inpainting import check_paints

if TYPE_CHECKING:
    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase
    from duktus.families.holding import Holding
    from duktus.families.safetensors_header import Header
    from duktus.families.single_file import SingleFile
    from duktus.families.word_layout import WordLayout


class Sdxl(FolderFamily, TakesUnetControls, TakesUnetReferences, TeachesClipWords):
    """The family's part of the contract that needs no torch, and the doors to the rest."""

    name = "sdxl"
    weighting: Weighting = "a1111"
    role_texts: ClassVar = {
        Role.TEACH_AND_RENDER: "A style can be taught on this base and rendered with it.",
        Role.RENDER_ONLY: "This base only renders: it is a refiner, or distilled (Turbo, Lightning, "
        "Hyper, LCM). Teach on SDXL base 1.0 or a model fine-tuned from it, then render with this one.",
        Role.TEACH_ONLY: "This base is for teaching; render with another base of this family.",
    }
    taught = sdxl_folder.FAMILY_TEACH
    taught_word = sdxl_folder.FAMILY_WORD

    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe an SDXL pipeline, base or refiner."""
        return sdxl_folder.recognises(folder)

    def recognises_file(self, header: Header) -> SingleFile | None:
        """What a single file with that header is, when it is of this family."""
        return single_file.recognise(header)

    def describe(
        self, folder: Path, name: str, *, role: Role | None = None, hashes: FileHashes = EVERY_BYTE
    ) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""
        return sdxl_folder.describe(folder, name, family=self.name, asked=role, hashes=hashes)

    def clip_layers(self, base: Base) -> ClipLayers:
        """At which layers of its text encoders a text can be read; by itself at the one before the last."""
        return clip_layers(base.folder, sdxl_folder.OWN_LAYER)

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """Refuse samplers without that schedule, guidance, which this family does not know, and anything but
        painting within a picture on a base made for it.
        """
        check_combination(recipe.sampler, recipe.schedule, recipe.steps)
        check_no_guidance(base.name, recipe.guidance)
        check_paints(base, recipe)

    def check_refiner(self, base: Base, refiner: Base) -> None:
        """Refuse a refiner of another family or with other noise levels, and one that would come first."""
        sdxl_folder.check_refiner(base, refiner)

    def loaded(self, base: Base, *, device: str, dtype: str, holding: Holding) -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        from duktus.families.sdxl.loaded import LoadedSdxl

        return LoadedSdxl(base, device=device, dtype=dtype, holding=holding)

    def style_layout(self) -> StyleLayout:
        """That of kohya-ss/sd-scripts."""
        from duktus.families.sdxl.style_layout import LAYOUT

        return LAYOUT

    def word_layout(self) -> WordLayout:
        """That of kohya-ss/sd-scripts."""
        from duktus.families.sdxl.style_layout import WORD_LAYOUT

        return WORD_LAYOUT
