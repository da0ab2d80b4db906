"""A ControlNet of Stable Diffusion 1.x in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import ControlNetModel
from torch import Tensor, nn

from duktus.domain.errors import MismatchError
from duktus.families import proof
from duktus.families.control import ControlNetwork, Residuals
from duktus.families.sd15.control import variant_of
from duktus.families.sd15.loaded import LoadedSd15, Sd15Conditioning
from duktus.families.unet_attention import PlainAttention, time_once

if TYPE_CHECKING:
    from duktus.families.family import Conditioning

SAME = ("in_channels", "block_out_channels", "cross_attention_dim", "layers_per_block")
"""What a network must share with the U-Net whose skip connections it adds to."""


class LoadedSd15Control:
    """See :class:`duktus.families.control.LoadedControl`."""

    def __init__(self, network: ControlNetwork, base: LoadedSd15) -> None:
        self._base = base
        loading: Any = ControlNetModel
        variant = variant_of(network.folder)
        self._network: Any = loading.from_pretrained(
            network.folder,
            local_files_only=True,
            use_safetensors=True,
            torch_dtype=base.dtype,
            **({"variant": variant} if variant else {}),
        )
        unet: Any = base.denoiser
        for key in SAME:
            ours, theirs = self._network.config[key], unet.config[key]
            if _plain(ours) != _plain(theirs):
                raise MismatchError(
                    f"The control network in {network.folder.name} does not fit {base.base.name}.",
                    f"Its {key} is {ours}, the base has {theirs}.",
                    "Take a ControlNet that was trained for this kind of base.",
                )
        self._network = self._network.to(base.device).eval().requires_grad_(requires_grad=False)
        time_once(self._network)
        if proof.bits_are_held(base.denoiser):
            self._network.set_attn_processor(PlainAttention())
            proof.hold_bits(self._network)
        self._see: nn.Module = self._network.controlnet_cond_embedding
        self._network.controlnet_cond_embedding = nn.Identity()  # what it sees is computed once, by embed

    def embed(self, pixels: Tensor) -> Tensor:
        """(n, width, h / 8, w / 8) from (n, 3, h, w) in [0, 1]; each picture alone."""
        with torch.inference_mode():
            rows = [self._see(row) for row in pixels.to(self._base.device, self._base.dtype).split(1)]
        return torch.cat(rows)

    def residuals(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, embedded: Tensor
    ) -> Residuals:
        """One forward of the network."""
        assert isinstance(conditioning, Sd15Conditioning)
        down, middle = self._network(
            noisy,
            timesteps,
            encoder_hidden_states=conditioning.hidden.to(self._base.dtype),
            controlnet_cond=embedded,
            return_dict=False,
        )
        return Residuals(tuple(down), middle)

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, residuals: Residuals
    ) -> Tensor:
        """The U-Net's raw output with the residuals added."""
        return self._base.predict(noisy, timesteps, conditioning, residuals=residuals)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value
