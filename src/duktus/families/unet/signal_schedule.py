"""Noise at discrete timesteps, as Stable Diffusion is trained: a share of the picture, the rest noise.

``a`` is the cumulative signal of a timestep (``alphas_cumprod`` in diffusers):
noisy = sqrt(a) x + sqrt(1 - a) n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import DDPMScheduler

from duktus.domain.errors import InputError
from duktus.domain.style import NoiseLevels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

PREDICTIONS = ("epsilon", "v_prediction")


class SignalSchedule:
    """The noise levels that a base's scheduler configuration describes, and what to teach at them."""

    def __init__(self, configuration: Mapping[str, Any], base: str, device: torch.device) -> None:
        self._base = base
        self.prediction: str = configuration.get("prediction_type", "epsilon")
        if self.prediction not in PREDICTIONS:
            raise InputError(
                f"{base} predicts {self.prediction!r}, which this family does not know.",
                f"Known: {', '.join(PREDICTIONS)} (prediction_type in scheduler/scheduler_config.json).",
            )
        kept = {
            key: value
            for key, value in configuration.items()
            if "beta" in key or key == "num_train_timesteps"
        }
        try:
            schedule: Any = DDPMScheduler.from_config(kept)
        except (NotImplementedError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"The noise levels of {base} cannot be made of its scheduler/scheduler_config.json.",
                str(error).partition("\n")[0],
                "Copy or download the base again.",
            ) from error
        self.signal: Tensor = schedule.alphas_cumprod.to(device)

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """``sqrt(a) x + sqrt(1 - a) n`` with the cumulative signal ``a`` of each timestep."""
        signal = self._at(timesteps, latents)
        return signal.sqrt() * latents + (1 - signal).sqrt() * noise

    def training_target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The noise, or the velocity ``sqrt(a) n - sqrt(1 - a) x`` (arXiv 2202.00512)."""
        if self.prediction == "epsilon":
            return noise
        signal = self._at(timesteps, latents)
        return signal.sqrt() * noise - (1 - signal).sqrt() * latents

    def loss_weight(self, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
        """Min-SNR weights (arXiv 2303.09556), in the form for what this base predicts; else ones."""
        if min_snr_gamma is None:
            return torch.ones(timesteps.shape, device=self.signal.device)
        signal = self.signal[timesteps.to(self.signal.device)]
        ratio = signal / (1 - signal)
        below = ratio if self.prediction == "epsilon" else ratio + 1
        return ratio.clamp(max=min_snr_gamma) / below.clamp(min=1e-8)

    def sample_timesteps(self, n: int, generator: torch.Generator, levels: NoiseLevels) -> Tensor:
        """Uniform over the training timesteps; :class:`InputError` for any other levels."""
        if levels is not NoiseLevels.UNIFORM:
            raise InputError(
                f"{self._base} cannot be taught with {levels.value} noise levels.",
                "Only flow-matching bases can.",
                "Leave them uniform.",
            )
        return torch.randint(0, len(self.signal), (n,), generator=generator)

    def probe_timesteps(self, n: int) -> Tensor:
        """The middles of ``n`` equal parts of the training timesteps, low to high noise."""
        return ((torch.arange(n) + 0.5) * len(self.signal) / n).long()

    def _at(self, timesteps: Tensor, like: Tensor) -> Tensor:
        return self.signal[timesteps.to(self.signal.device)].to(like.dtype).view(-1, 1, 1, 1)
