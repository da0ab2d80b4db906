"""What every family does alike: bases are folders, and a style goes into one layout and comes back from it.

This file works without torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

from duktus.domain.errors import InputError
from duktus.families import diffusers_folder
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.holding import STOCK, Holding
from duktus.families.unet import inpainting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from duktus.domain.base import Base, Role
    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase, TeachDefaults


class StyleLayout(Protocol):
    """The one file layout of a family's styles: ``KohyaLayout`` or ``PeftLayout``."""

    def write(
        self,
        path: Path,
        tensors: Mapping[str, tuple[Tensor, Tensor]],
        *,
        alpha: float,
        metadata: Mapping[str, str],
    ) -> str:
        """Write ``{module path: (down, up)}``; return the tensor hash."""
        ...

    def read(self, path: Path, denoiser: nn.Module, base: str) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, alpha / rank)}`` in the order of the denoiser's modules."""
        ...


class FolderFamily(ABC):
    """A :class:`duktus.families.family.Family`; what a family says for itself is abstract here."""

    name: str
    role_texts: ClassVar[Mapping[Role, str]]
    """Each role in words, with the way out where something is refused."""
    taught: ClassVar[TeachDefaults]
    """Starting values for about ten pictures."""

    @abstractmethod
    def recognises(self, folder: Path) -> bool:
        """Whether the configs in ``folder`` describe a pipeline of this family."""

    @abstractmethod
    def describe(
        self, folder: Path, name: str, *, role: Role | None = None, hashes: FileHashes = EVERY_BYTE
    ) -> Base:
        """The base in ``folder``, checked and hashed; ``role`` where its files do not tell."""

    @abstractmethod
    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """:class:`InputError` for what this base cannot render."""

    @abstractmethod
    def loaded(self, base: Base, *, device: str, dtype: str, holding: Holding) -> LoadedBase:
        """The base of this family in memory; imports torch."""

    @abstractmethod
    def style_layout(self) -> StyleLayout:
        """The layout of this family's styles; imports torch."""

    def role_words(self, role: Role) -> str:
        """The role in words, with the way out where something is refused."""
        return self.role_texts.get(role, inpainting.WORDS)

    def teach_defaults(self, base: Base) -> TeachDefaults:
        """Starting values for about ten pictures, from ``duktus.json`` or the family's own."""
        return diffusers_folder.teach_defaults(base.folder, self.taught)

    def load(
        self, base: Base, *, device: str = "cpu", dtype: str = "float32", holding: Holding = STOCK
    ) -> LoadedBase:
        """The base in memory; nothing is fetched from the network."""
        if base.family != self.name:
            raise InputError(f"{base.name} is a base of family {base.family}, not {self.name}.")
        return self.loaded(base, device=device, dtype=dtype, holding=holding)

    def write_style(
        self,
        path: Path,
        tensors: Mapping[str, tuple[Tensor, Tensor]],
        *,
        alpha: float,
        metadata: Mapping[str, str],
    ) -> str:
        """Write a style in the layout that loads everywhere for this family; return its tensor hash."""
        return self.style_layout().write(path, tensors, alpha=alpha, metadata=metadata)

    def read_style(self, path: Path, base: LoadedBase) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, alpha / rank)}``, every module of the file found in ``base``."""
        return self.style_layout().read(path, base.denoiser, base.base.name)
