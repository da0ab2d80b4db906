"""What a family that takes control pictures can do more: networks beside its denoiser that hold a picture to
another one. ControlNets (arXiv 2302.05543) answer at every step, T2I-Adapters (arXiv 2302.08453) once.

A family has this or not; :func:`duktus.families.registry.steerable` asks. Everything but
:meth:`Steerable.load_control` works without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from duktus.domain.errors import InputError
from duktus.families.file_hashes import EVERY_BYTE, FileHashes

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from duktus.domain.base import Base
    from duktus.families.family import Conditioning, LoadedBase

Seen = tuple["Tensor", ...]
"""What a network saw in control pictures: one row per picture in each tensor."""


@dataclass(frozen=True, slots=True)
class ControlNetwork:
    """A ControlNet or a T2I-Adapter, pinned by the hash of its weights and configuration."""

    hash: str
    folder: Path
    """In the diffusers layout; for an adapter without a folder its file."""
    kind: Literal["ControlNet", "T2I-Adapter"] = "ControlNet"
    multiple: int = 8
    """Pixels; the sides of a picture that it holds must be multiples of it."""

    def check_size(self, name: str, width: int, height: int) -> None:
        """:class:`InputError` when a picture of that size cannot be held by the network of that name."""
        if width % self.multiple or height % self.multiple:
            fitting = tuple(max(1, round(side / self.multiple)) * self.multiple for side in (width, height))
            raise InputError(
                f"The {self.kind} {name} cannot hold a picture of {width} x {height} pixels.",
                f"It sees pictures in blocks of {self.multiple} pixels.",
                f"Ask for a size in multiples of {self.multiple}, for instance "
                f"--size {fitting[0]}x{fitting[1]}.",
            )


@dataclass(frozen=True, slots=True)
class Residuals:
    """What control networks add to the denoiser at one step."""

    down: tuple[Tensor, ...] = ()
    """To its skip connections (ControlNet)."""
    middle: Tensor | None = None
    """To its middle (ControlNet)."""
    within: tuple[Tensor, ...] = ()
    """Within its blocks on the way down (T2I-Adapter)."""

    def weighted(self, share: Tensor) -> Residuals:
        """Each picture's residuals by its share (n, 1, 1, 1)."""
        return Residuals(
            tuple(one * share for one in self.down),
            None if self.middle is None else self.middle * share,
            tuple(one * share for one in self.within),
        )

    def and_those(self, other: Residuals) -> Residuals:
        """The sum of both, where both have some; in the order of the call."""
        middle = other.middle if self.middle is None else self.middle
        if self.middle is not None and other.middle is not None:
            middle = self.middle + other.middle
        return Residuals(_sum(self.down, other.down), middle, _sum(self.within, other.within))


def _sum(some: tuple[Tensor, ...], others: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if not some or not others:
        return some or others
    return tuple(one + other for one, other in zip(some, others, strict=True))


class LoadedControl(Protocol):
    """A control network in memory, beside the base it was loaded for."""

    def embed(self, pixels: Tensor) -> Seen:
        """What the network sees of (n, 3, h, w) control pictures in [0, 1], picture by picture; kept for
        all steps.
        """
        ...

    def residuals(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, seen: Seen
    ) -> Residuals:
        """The answer for noisy latents (n, c, h, w) at full weight; ``seen`` is from :meth:`embed`."""
        ...

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, residuals: Residuals
    ) -> Tensor:
        """The base's raw output with ``residuals`` added, of this network or of several."""
        ...


@runtime_checkable
class Steerable(Protocol):
    """A family whose bases take control networks."""

    def describe_control(self, place: Path, hashes: FileHashes = EVERY_BYTE) -> ControlNetwork:
        """The network in that folder or file, checked and hashed; :class:`InputError` for what is wrong."""
        ...

    def check_control(self, base: Base, network: ControlNetwork) -> None:
        """:class:`MismatchError` when the network's shapes are not those of ``base``."""
        ...

    def load_control(self, network: ControlNetwork, base: LoadedBase) -> LoadedControl:
        """The network in memory, checked against ``base``."""
        ...
