"""What a family that takes control pictures can do more: ControlNets (arXiv 2302.05543) beside its denoiser.

A family has this or not; :func:`duktus.families.registry.steerable` asks. Everything but
:meth:`Steerable.load_control` works without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from duktus.families.family import Conditioning, LoadedBase


@dataclass(frozen=True, slots=True)
class ControlNetwork:
    """A network in a diffusers ControlNet folder, pinned by the hash of its weights and configuration."""

    hash: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Residuals:
    """What a control network adds to the denoiser's skip connections and to its middle."""

    down: tuple[Tensor, ...]
    middle: Tensor


class LoadedControl(Protocol):
    """A control network in memory, beside the base it was loaded for."""

    def embed(self, pixels: Tensor) -> Tensor:
        """What the network sees of (n, 3, h, w) control pictures in [0, 1], picture by picture; kept for
        all steps.
        """
        ...

    def residuals(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, embedded: Tensor
    ) -> Residuals:
        """The answer for noisy latents (n, c, h, w) at full weight; ``embedded`` is from :meth:`embed`."""
        ...

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, residuals: Residuals
    ) -> Tensor:
        """The base's raw output with ``residuals`` added to its skip connections and its middle."""
        ...


@runtime_checkable
class Steerable(Protocol):
    """A family whose bases take control networks."""

    def describe_control(self, folder: Path) -> ControlNetwork:
        """The network in that folder, checked and hashed; :class:`InputError` for what is wrong."""
        ...

    def load_control(self, network: ControlNetwork, base: LoadedBase) -> LoadedControl:
        """The network in memory; :class:`MismatchError` when its shapes are not those of ``base``."""
        ...
