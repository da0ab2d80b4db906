"""The doors of a family with a U-Net to the networks beside it: what holds its pictures to others, and
what it looks at. Everything but loading and showing works without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from duktus.families import diffusers_folder
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.unet import controls, ip_adapter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from duktus.domain.base import Base
    from duktus.families.control import ControlNetwork, LoadedControl
    from duktus.families.family import LoadedBase, WordDefaults
    from duktus.families.learned_words import Vectors
    from duktus.families.reference import LoadedReference, ReferenceNetwork, Shown
    from duktus.families.word_layout import WordLayout


class TakesUnetControls:
    """The part of a U-Net family that is :class:`duktus.families.control.Steerable`."""

    def describe_control(self, place: Path, hashes: FileHashes = EVERY_BYTE) -> ControlNetwork:
        """The ControlNet or T2I-Adapter there, checked and hashed."""
        return controls.describe(place, hashes)

    def check_control(self, base: Base, network: ControlNetwork) -> None:
        """Refuse a network of another kind of base."""
        controls.check(base, network)

    def load_control(self, network: ControlNetwork, base: LoadedBase) -> LoadedControl:
        """The network in memory, beside a base of this family."""
        controls.check(base.base, network)
        from duktus.families.unet.base import UnetBase  # noqa: PLC0415 - loads torch

        assert isinstance(base, UnetBase)
        if network.kind == "T2I-Adapter":
            from duktus.families.unet.loaded_adapter import LoadedAdapter  # noqa: PLC0415

            return LoadedAdapter(network, base)
        from duktus.families.unet.loaded_controlnet import LoadedControlNet  # noqa: PLC0415

        return LoadedControlNet(network, base)


class TeachesClipWords:
    """The part of a family with CLIP text encoders that is :class:`duktus.families.family.TeachesWords`."""

    taught_word: ClassVar[WordDefaults]
    """Starting values."""

    def word_layout(self) -> WordLayout:
        """The layout of this family's learned words; imports torch."""
        raise NotImplementedError

    def word_defaults(self, base: Base) -> WordDefaults:
        """Starting values, from ``duktus.json`` or the family's own."""
        return diffusers_folder.word_defaults(base.folder, self.taught_word)

    def write_word(self, path: Path, vectors: Vectors, metadata: Mapping[str, str]) -> str:
        """Write the vectors of a word; return the tensor hash."""
        return self.word_layout().write(path, vectors, metadata)

    def read_word(self, path: Path, base: LoadedBase) -> Vectors:
        """The vectors of a word, checked against the base's text encoders."""
        return self.word_layout().read(path, base)


class TakesUnetReferences:
    """The part of a U-Net family that is :class:`duktus.families.reference.Referring`."""

    def describe_reference(
        self, file: Path, encoder: Path, hashes: FileHashes = EVERY_BYTE
    ) -> ReferenceNetwork:
        """The IP-Adapter with its image encoder, checked and hashed."""
        return ip_adapter.describe(file, encoder, hashes)

    def check_reference(self, base: Base, network: ReferenceNetwork) -> None:
        """Refuse an adapter of another kind of base."""
        ip_adapter.check(base, network)

    def load_reference(self, network: ReferenceNetwork, base: LoadedBase) -> LoadedReference:
        """The adapter in memory, beside a base of this family."""
        from duktus.families.unet.loaded_reference import LoadedIpAdapter  # noqa: PLC0415 - loads torch

        ip_adapter.check(base.base, network)
        return LoadedIpAdapter(network, base)

    def show(self, base: LoadedBase, shown: Sequence[Shown]) -> None:
        """Let the U-Net's attention look at these, and at nothing else."""
        from duktus.families.unet.reference_attention import show  # noqa: PLC0415 - loads torch

        show(base.denoiser, shown)
