"""What a family that takes reference pictures can do more: it looks at a picture as at a second prompt, by
IP-Adapters (arXiv 2308.06721).

A family has this or not; :func:`duktus.families.registry.referring` asks. Describing and checking work
without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from duktus.families.file_hashes import EVERY_BYTE, FileHashes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from duktus.domain.base import Base
    from duktus.families.family import LoadedBase


@dataclass(frozen=True, slots=True)
class ReferenceNetwork:
    """An IP-Adapter with its image encoder, pinned by the hash of both."""

    hash: str
    file: Path
    encoder: Path


@dataclass(frozen=True, slots=True)
class Look:
    """What one picture gives the denoiser's attention: for each of its places, in their order, a key and a
    value (2, tokens, width): first without the picture, then with it, as with a negative and a prompt.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One reference of a batch: each picture's look and weight. ``guided``: the batch is doubled for cfg."""

    looks: Sequence[Look]
    weights: Sequence[float]
    guided: bool


class LoadedReference(Protocol):
    """An IP-Adapter in memory, beside the base it was loaded for."""

    def look(self, pixels: NDArray[np.uint8]) -> Look:
        """What (h, w, 3) bytes give; each picture alone. The middle square is seen."""
        ...


@runtime_checkable
class Referring(Protocol):
    """A family whose bases take reference pictures."""

    def describe_reference(
        self, file: Path, encoder: Path, hashes: FileHashes = EVERY_BYTE
    ) -> ReferenceNetwork:
        """The adapter and its encoder, checked and hashed; :class:`InputError` for what is wrong."""
        ...

    def check_reference(self, base: Base, network: ReferenceNetwork) -> None:
        """:class:`MismatchError` when the adapter's shapes are not those of ``base``."""
        ...

    def load_reference(self, network: ReferenceNetwork, base: LoadedBase) -> LoadedReference:
        """The adapter in memory, checked against ``base``."""
        ...

    def show(self, base: LoadedBase, shown: Sequence[Shown]) -> None:
        """Let the denoiser look at these from now on, and at nothing else; nothing: at its text alone."""
        ...
