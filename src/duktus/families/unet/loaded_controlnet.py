"""A ControlNet in memory, beside a base with a U-Net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import ControlNetModel
from torch import Tensor, nn

from duktus.domain.errors import InputError
from duktus.families import proof
from duktus.families.control import ControlNetwork, Residuals, Seen
from duktus.families.unet.attention import PlainAttention, time_once
from duktus.families.unet.control_files import variant_of

if TYPE_CHECKING:
    from duktus.families.family import Conditioning
    from duktus.families.unet.base import UnetBase


class LoadedControlNet:
    """See :class:`duktus.families.control.LoadedControl`."""

    def __init__(self, network: ControlNetwork, base: UnetBase[Any]) -> None:
        self._base = base
        made = _read(network, base.dtype)
        self._network: Any = made.to(base.device).eval().requires_grad_(requires_grad=False)
        time_once(self._network)
        if (how := proof.arithmetic_of(base.denoiser)) is not None:
            self._network.set_attn_processor(PlainAttention(how))
            proof.hold_bits(self._network, how)
        self._see: nn.Module = self._network.controlnet_cond_embedding
        self._network.controlnet_cond_embedding = nn.Identity()  # what it sees is computed once, by embed

    def embed(self, pixels: Tensor) -> Seen:
        """(n, width, h / 8, w / 8) from (n, 3, h, w) in [0, 1]; each picture alone."""
        with torch.inference_mode():
            rows = [self._see(row) for row in pixels.to(self._base.device, self._base.dtype).split(1)]
        return (torch.cat(rows),)

    def residuals(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, seen: Seen
    ) -> Residuals:
        """One forward of the network."""
        down, middle = self._network(
            noisy,
            timesteps,
            **self._base.beside(noisy, conditioning),
            controlnet_cond=seen[0],
            return_dict=False,
        )
        return Residuals(tuple(down), middle)

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, residuals: Residuals
    ) -> Tensor:
        """The U-Net's raw output with the residuals added."""
        return self._base.predict(noisy, timesteps, conditioning, residuals=residuals)


def _read(network: ControlNetwork, dtype: torch.dtype) -> Any:
    """The network out of its folder; :class:`InputError` when its weights are not whole.

    What a file lacks diffusers would fill with random numbers, and only say so.
    """
    loading: Any = ControlNetModel
    variant = variant_of(network.folder)
    why = ""
    try:
        made, told = loading.from_pretrained(
            network.folder,
            local_files_only=True,
            use_safetensors=True,
            torch_dtype=dtype,
            output_loading_info=True,
            **({"variant": variant} if variant else {}),
        )
        missing: list[str] = sorted(told["missing_keys"])
        if not missing:
            return made
        why = f"{len(missing)} of its tensors are missing, the first is {missing[0]}."
    except (RuntimeError, ValueError) as error:
        why = f"{str(error).strip().splitlines()[0]}."
    raise InputError(f"The ControlNet in {network.folder} is not whole.", why, "Download it again.")
