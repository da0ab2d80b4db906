"""What every base with a flow-matching transformer does alike: straight paths, velocities, their samplers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from duktus.domain.base import Base
from duktus.families.autoencoding import Autoencoder
from duktus.families.flow import flow_matching
from duktus.families.flow.samplers import FlowScheduler, flow_scheduler
from duktus.families.flow.targets import target_modules
from duktus.families.folder_base import FolderBase
from duktus.families.holding import Holding

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKL

if TYPE_CHECKING:
    import re

    from torch import Tensor, nn

    from duktus.domain.recipe import Sampler, Schedule
    from duktus.domain.style import Targets


class FlowBase(FolderBase):
    """Transformer, autoencoder and noise levels; ``predict`` and the texts are the family's own."""

    patterns: ClassVar[Mapping[Targets, Sequence[re.Pattern[str]]]]
    """Which modules a style may change."""
    latents_per_token: ClassVar[int]
    """Latents that its ``in_channels`` hold side by side."""

    def __init__(self, base: Base, transformer: Any, *, device: str, dtype: str, holding: Holding) -> None:
        """``transformer``: diffusers' class of it."""
        super().__init__(base, device=device, dtype=dtype, holding=holding)
        self._transformer: Any = self._denoiser(transformer, "transformer")
        self.denoiser: nn.Module = self._transformer
        self._pictures = self._own_autoencoder()
        self._alone = False

    def _own_autoencoder(self) -> Autoencoder:
        """The base's autoencoder; whoever inherits may have another than FLUX.1's."""
        return self._autoencoder(AutoencoderKL)

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """A point on the straight path from the picture to the noise."""
        return flow_matching.add_noise(latents, noise, timesteps)

    def training_target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:  # noqa: ARG002
        """The velocity, the same all along the path."""
        return flow_matching.velocity(latents, noise)

    def loss_weight(self, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
        """Ones: a velocity counts alike everywhere."""
        return flow_matching.even_weights(timesteps, min_snr_gamma, self.base.name)

    def probe_timesteps(self, n: int) -> Tensor:
        """The middles of ``n`` equal parts of the noise levels, low to high noise."""
        return flow_matching.probe_timesteps(n)

    def noise_scheduler(
        self, sampler: Sampler, schedule: Schedule, shape: tuple[int, int, int] | None = None
    ) -> FlowScheduler:
        """A fresh sampler on this base's own noise levels at that size (without one: 1024 x 1024 pixels)."""
        shift = partial(self.shift_exponent, shape or self.latent_shape(1024, 1024))
        return flow_scheduler(self._noise, sampler, schedule, shift)

    def shift_exponent(self, shape: tuple[int, int, int], steps: int) -> float:  # noqa: ARG002 - see FLUX.2
        """How far rendering in that many steps moves noise levels that are shifted with the size."""
        return flow_matching.size_shift(self._noise, flow_matching.tokens_of(shape))

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(channels, height, width) of the latents."""
        shrink = self._pictures.shrink
        channels = self._transformer.config.in_channels // self.latents_per_token
        return (channels, height // shrink, width // shrink)

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths, in the order of ``named_modules``."""
        return target_modules(self._transformer, targets, self.patterns)

    def proof_arithmetic(self) -> None:
        """From now on each picture is computed alone, whatever shares the batch."""
        self._alone = True

    def draft_arithmetic(self) -> None:
        """Nothing to do: these transformers are at their fastest as they are."""
