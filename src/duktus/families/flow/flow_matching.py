"""Flow matching: straight paths from a picture to noise, and which of their points are taught.

At noise level ``s`` in [0, 1] a picture ``x`` with noise ``n`` is ``(1 - s) x + s n``, and the denoiser
answers with the velocity ``n - x`` (arXiv 2210.02747; in the direction of diffusers'
``FlowMatchEulerDiscreteScheduler``). Timesteps are float32 noise levels times 1000.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.errors import InputError
from duktus.domain.style import NoiseLevels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

SCALE = 1000
"""Timesteps per unit of noise level, as every scheduler of diffusers counts them."""

STYLE_LOG_SNR = (-6.0, 2.0)
"""Mean and deviation of the log signal-to-noise ratio at which style is learned best: Style-Friendly SNR
sampler, arXiv 2411.14793, section 4."""


def noise_level(timesteps: Tensor, like: Tensor) -> Tensor:
    """Noise levels (n, 1, 1, 1) of timesteps (n,), on the device and in the dtype of ``like``."""
    return (timesteps.to(like.device, torch.float32) / SCALE).to(like.dtype).view(-1, 1, 1, 1)


def add_noise(latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """``(1 - s) x + s n``."""
    level = noise_level(timesteps, latents)
    return (1 - level) * latents + level * noise


def velocity(latents: Tensor, noise: Tensor) -> Tensor:
    """What the denoiser should answer anywhere on the path: ``n - x``."""
    return noise - latents


def draw_timesteps(n: int, generator: torch.Generator, levels: NoiseLevels, shift: float) -> Tensor:
    """``n`` timesteps (float32) in (0, 1000], drawn on the CPU; ``shift`` counts for ``SHIFTED`` only."""
    if levels is NoiseLevels.UNIFORM:
        level = 1 - torch.rand(n, generator=generator)
    elif levels is NoiseLevels.HIGH_NOISE:
        mean, deviation = STYLE_LOG_SNR
        log_snr = mean + deviation * torch.randn(n, generator=generator)
        level = torch.sigmoid(-log_snr / 2)  # log((1 - s)^2 / s^2) solved for s
    else:
        level = torch.sigmoid(torch.randn(n, generator=generator))
        if levels is NoiseLevels.SHIFTED:
            level = shift * level / (1 + (shift - 1) * level)
    return level.clamp(1e-3, 1) * SCALE


def probe_timesteps(n: int) -> Tensor:
    """The middles of ``n`` equal parts of the noise levels, low to high noise, as timesteps."""
    return (torch.arange(n, dtype=torch.float32) + 0.5) * (SCALE / n)


def even_weights(timesteps: Tensor, min_snr_gamma: float | None, base: str) -> Tensor:
    """Ones (n,): a velocity counts alike everywhere. :class:`InputError` for min-SNR weights."""
    if min_snr_gamma is not None:
        raise InputError(
            f"{base} cannot be taught with min-SNR weights.",
            "They are made for denoisers that answer with noise; this one answers with a velocity.",
            "Leave min_snr_gamma out; noise_levels decides what is taught most.",
        )
    return torch.ones(timesteps.shape, device=timesteps.device)


def size_shift(noise: Mapping[str, Any], tokens: int) -> float:
    """The exponent ``mu`` of the shift at that many tokens, linear between the two sizes of the scheduler's
    configuration (diffusers, ``pipelines/flux/pipeline_flux.py``, ``calculate_shift``).
    """
    few, many = noise.get("base_image_seq_len", 256), noise.get("max_image_seq_len", 4096)
    low, high = noise.get("base_shift", 0.5), noise.get("max_shift", 1.15)
    slope = (high - low) / (many - few)
    return tokens * slope + low - slope * few


def sampling_shift(noise: Mapping[str, Any], tokens: int) -> float:
    """How far rendering moves its noise levels at that many tokens: the factor, 1 for not at all."""
    if noise.get("use_dynamic_shifting"):
        return math.exp(size_shift(noise, tokens))
    return float(noise.get("shift", 1.0))


def tokens_of(shape: tuple[int, int, int]) -> int:
    """How many tokens latents of that shape (channels, height, width) become, two by two."""
    _, height, width = shape
    return (height // 2) * (width // 2)
