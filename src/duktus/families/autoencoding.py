"""Pictures to latents and back through a KL autoencoder, one at a time, and a cheap look at latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch.nn import functional

from duktus.families import proof

if TYPE_CHECKING:
    from torch import Tensor

TOGETHER = 4 * 64 * 64
"""Latent places decoded at once: four pictures of 512 x 512 pixels, so that memory stays small."""


class Autoencoder:
    """A diffusers autoencoder with its scale: latents here are what the denoiser sees.

    ``scaled = (latent - shift_factor) * scaling_factor`` with both numbers from its configuration; whoever
    inherits may scale otherwise.
    """

    patch: ClassVar[int] = 1
    """Latents along an edge that stand side by side as channels of one place."""

    def __init__(self, network: Any, device: torch.device, dtype: torch.dtype) -> None:
        self._network: Any = network
        self._device = device
        self._dtype = dtype
        self.channels: int = network.config.latent_channels * self.patch**2
        self.shrink: int = 2 ** (len(network.config.block_out_channels) - 1) * self.patch
        """Pixels per latent along an edge."""
        self._preview: Tensor | None = None
        self._together = 0

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and deviation of the scaled latents of (n, 3, h, w) pixels, one at a time."""
        means: list[Tensor] = []
        deviations: list[Tensor] = []
        with torch.no_grad():
            for picture in pixels.to(self._device, self._dtype).split(1):
                posterior = self._network.encode(picture).latent_dist
                mean, deviation = self._scaled(posterior.mean.float(), posterior.std.float())
                means.append(mean)
                deviations.append(deviation)
        return torch.cat(means), torch.cat(deviations)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [-1, 1], decoded picture by picture; once bits are held, together."""
        together = max(1, self._together // (latents.shape[2] * latents.shape[3]))
        with torch.no_grad():
            rows = [
                self._network.decode(self._unscaled(some.to(self._dtype))).sample.float()
                for some in latents.split(together)
            ]
        return torch.cat(rows).clamp(-1, 1)

    def _scaled(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        """The network's own latents as the denoiser sees them."""
        config = self._network.config
        shift, factor = config.shift_factor or 0.0, config.scaling_factor
        return (mean - shift) * factor, deviation * factor

    def _unscaled(self, latents: Tensor) -> Tensor:
        """The way back."""
        config = self._network.config
        return latents / config.scaling_factor + (config.shift_factor or 0.0)

    def hold_bits(self, how: type[proof.Held] = proof.Held) -> None:
        """Let small pictures be decoded together, each with the bits it has alone (or, with
        :class:`proof.Together`, without that promise). For rendering only.
        """
        from diffusers.models.attention_processor import Attention  # noqa: PLC0415 - telemetry is off by then

        proof.hold_bits(self._network.decoder, how)
        if self._network.post_quant_conv is not None:
            proof.hold_bits(self._network.post_quant_conv, how)
        for module in self._network.decoder.modules():
            if isinstance(module, Attention) and how is proof.Held:
                proof.alone(module)
        self._together = TOGETHER // self.patch**2

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): weights and, last, the bias row; least squares over this decoder."""
        if self._preview is None:
            self._preview = self._fit_preview()
        return self._preview

    def drop(self) -> None:
        """Free the network."""
        if self._network is not None:
            self._network.to("meta")
        self._network = None

    def _fit_preview(self) -> Tensor:
        """Decode smooth random latents and solve for colour = [latent, 1] @ matrix."""
        generator = torch.Generator().manual_seed(0)
        coarse = torch.randn(16, self.channels, 2, 2, generator=generator)
        latents = functional.interpolate(coarse, size=(8, 8), mode="bilinear")
        latents = latents + 0.3 * torch.randn(latents.shape, generator=generator)
        pixels = self.decode(latents.to(self._device))
        small = functional.adaptive_avg_pool2d(pixels, (8, 8)).cpu().float()
        known = latents.permute(0, 2, 3, 1).reshape(-1, self.channels)
        known = torch.cat([known, torch.ones(len(known), 1)], dim=1)
        colours = small.permute(0, 2, 3, 1).reshape(-1, 3)
        return torch.linalg.lstsq(known, colours).solution
