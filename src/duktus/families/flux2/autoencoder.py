"""FLUX.2's latents: two by two of the autoencoder's as channels of one place, each channel evened out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from duktus.families.autoencoding import Autoencoder

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class PatchedAutoencoder(Autoencoder):
    """``scaled = (patched latent - mean) / deviation`` with the statistics of the network's batch norm
    (diffusers ``Flux2KleinPipeline._encode_vae_image``).
    """

    patch: ClassVar[int] = 2

    def _scaled(self, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        centre, spread = self._statistics(mean.dtype)
        patched = pixel_unshuffle(mean, self.patch), pixel_unshuffle(deviation, self.patch)
        return (patched[0] - centre) / spread, patched[1] / spread

    def _unscaled(self, latents: Tensor) -> Tensor:
        centre, spread = self._statistics(latents.dtype)
        return pixel_shuffle(latents * spread + centre, self.patch)

    def _statistics(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Mean and deviation (1, channels, 1, 1) of latents over the pictures it was trained on."""
        norm = self._network.bn
        spread = (norm.running_var + self._network.config.batch_norm_eps).sqrt()
        return norm.running_mean.to(dtype).view(1, -1, 1, 1), spread.to(dtype).view(1, -1, 1, 1)
