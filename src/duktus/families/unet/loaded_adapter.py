"""A T2I-Adapter in memory, beside a base with a U-Net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import T2IAdapter
from safetensors.torch import load_file
from torch import Tensor, nn

from duktus.domain.errors import InputError
from duktus.families.control import ControlNetwork, Residuals, Seen
from duktus.families.safetensors_header import read_header
from duktus.families.unet.control_files import weights_of
from duktus.families.unet.t2i_adapter import settings

if TYPE_CHECKING:
    from duktus.families.family import Conditioning
    from duktus.families.unet.base import UnetBase

GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey picture (ITU-R 601, as Pillow's)."""


class LoadedAdapter:
    """See :class:`duktus.families.control.LoadedControl`. It looks at each picture once, for all steps."""

    def __init__(self, network: ControlNetwork, base: UnetBase[Any]) -> None:
        self._base = base
        weights = network.folder if network.folder.is_file() else weights_of(network.folder)
        built = settings(network.folder, read_header(weights))
        making: Any = T2IAdapter
        made: Any = making(
            in_channels=built.colours,
            channels=list(built.channels),
            num_res_blocks=built.blocks,
            downscale_factor=built.factor,
            adapter_type=built.architecture,
        )
        try:
            made.load_state_dict(load_file(weights))
        except RuntimeError as error:
            raise InputError(
                f"{network.folder.name} is no whole T2I-Adapter.",
                f"{str(error).splitlines()[-1].strip()}",
                "Download it again.",
            ) from error
        self._grey = built.colours == 1
        # diffusers' own ``to`` warns of modules to keep in float32, of which an adapter has none.
        nn.Module.to(made, base.device, base.dtype)
        self._network: Any = made.eval().requires_grad_(requires_grad=False)

    def embed(self, pixels: Tensor) -> Seen:
        """What it gives at each level for (n, 3, h, w) in [0, 1]; each picture alone."""
        pixels = pixels.to(self._base.device, self._base.dtype)
        if self._grey:
            pixels = (pixels * pixels.new_tensor(GREY).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        with torch.inference_mode():
            rows = [self._network(row) for row in pixels.split(1)]
        return tuple(torch.cat(level) for level in zip(*rows, strict=True))

    def residuals(
        self,
        noisy: Tensor,  # noqa: ARG002 - what it gives is the same at every step
        timesteps: Tensor,  # noqa: ARG002
        conditioning: Conditioning,  # noqa: ARG002
        seen: Seen,
    ) -> Residuals:
        """What was seen."""
        return Residuals(within=seen)

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, residuals: Residuals
    ) -> Tensor:
        """The U-Net's raw output with the residuals added."""
        return self._base.predict(noisy, timesteps, conditioning, residuals=residuals)
