"""An IP-Adapter in memory, with its image encoder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch
from diffusers.models.embeddings import ImageProjection, IPAdapterPlusImageProjection
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPImageProcessorPil, CLIPVisionModelWithProjection
from transformers.utils import logging as transformers_logging

from duktus.domain.errors import InputError
from duktus.families.reference import Look, ReferenceNetwork
from duktus.families.safetensors_header import read_header
from duktus.families.unet.ip_adapter import shape_of, unfit
from duktus.families.unet.reference_attention import attentions_to_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from duktus.families.family import LoadedBase

HEAD = 64
"""Width of each head in a plus adapter's attention, which no tensor tells (tencent-ailab/IP-Adapter)."""
PLUS = (
    (r"^layers\.(\d+)\.0\.norm1\.", r"layers.\1.ln0."),
    (r"^layers\.(\d+)\.0\.norm2\.", r"layers.\1.ln1."),
    (r"^layers\.(\d+)\.0\.to_out\.", r"layers.\1.attn.to_out.0."),
    (r"^layers\.(\d+)\.0\.", r"layers.\1.attn."),
    (r"^layers\.(\d+)\.1\.0\.", r"layers.\1.ff.0."),
    (r"^layers\.(\d+)\.1\.1\.", r"layers.\1.ff.1.net.0.proj."),
    (r"^layers\.(\d+)\.1\.3\.", r"layers.\1.ff.1.net.2."),
)
"""A plus adapter's spelling, and diffusers'."""


class LoadedIpAdapter:
    """See :class:`duktus.families.reference.LoadedReference`."""

    def __init__(self, network: ReferenceNetwork, base: LoadedBase) -> None:
        shape = shape_of(network.file, read_header(network.file))
        self._device, self._dtype = base.device, base.dtype
        tensors = {name: tensor.to(base.dtype) for name, tensor in load_file(network.file).items()}
        self._plus = shape.plus
        self._places = _places(network, base, tensors)
        parts = {
            name.removeprefix("image_proj."): tensor
            for name, tensor in tensors.items()
            if name.startswith("image_proj.")
        }
        try:
            made = _plus(parts) if shape.plus else _plain(parts, shape.width)
        except (RuntimeError, KeyError, IndexError) as error:
            raise InputError(
                f"{network.file.name} is no whole IP-Adapter.",
                f"{str(error).strip().splitlines()[-1].strip()}",
                "Download it again.",
            ) from error
        self._project: Any = made.to(base.device, base.dtype).eval().requires_grad_(requires_grad=False)
        self._encoder = _encoder(network, base.dtype).to(base.device)
        side = self._encoder.config.image_size
        preparing: Any = CLIPImageProcessorPil
        self._prepare: Any = preparing(size=side, crop_size=side)

    def look(self, pixels: NDArray[np.uint8]) -> Look:
        """Keys and values at every place, without the picture and with it."""
        prepared = self._prepare(Image.fromarray(pixels), return_tensors="pt").pixel_values
        picture = prepared.to(self._device, self._dtype)
        with torch.inference_mode():
            # One after the other: a picture's bits depend on nothing but the picture.
            tokens = [self._project(row) for row in self._seen(picture)]
            pairs = [
                tuple(torch.cat([functional.linear(row, matrix) for row in tokens]) for matrix in place)
                for place in self._places
            ]
        return Look(tuple(key for key, _ in pairs), tuple(value for _, value in pairs))

    def _seen(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """What stands for no picture, and what the encoder saw: what diffusers' pipelines take for both."""
        if not self._plus:
            summary: Tensor = self._encoder(picture).image_embeds
            return torch.zeros_like(summary), summary
        rows = (torch.zeros_like(picture), picture)
        without, asked = (self._encoder(row, output_hidden_states=True).hidden_states[-2] for row in rows)
        return without, asked


def _places(
    network: ReferenceNetwork, base: LoadedBase, tensors: dict[str, Tensor]
) -> list[tuple[Tensor, Tensor]]:
    """Matrices of keys and values for each attention to the text, as the U-Net has them."""
    numbers = sorted(
        int(found[1])
        for name in tensors
        if (found := re.fullmatch(r"ip_adapter\.(\d+)\.to_k_ip\.weight", name))
    )
    modules: dict[str, Any] = dict(base.denoiser.named_modules())
    wanted = [
        tuple(modules[name.removesuffix(".processor")].to_k.weight.shape)
        for name in attentions_to_text(base.denoiser)
    ]
    found = [
        (tensors[f"ip_adapter.{number}.to_k_ip.weight"], tensors[f"ip_adapter.{number}.to_v_ip.weight"])
        for number in numbers
    ]
    if [tuple(key.shape) for key, _ in found] != wanted or [tuple(one.shape) for _, one in found] != wanted:
        raise unfit(
            base.base,
            network,
            f"It has matrices for {len(found)} attentions, the base has {len(wanted)}, or of other widths.",
        )
    return [(key.to(base.device), value.to(base.device)) for key, value in found]


def _plain(parts: dict[str, Tensor], width: int) -> nn.Module:
    matrix = parts["proj.weight"]
    made = ImageProjection(
        image_embed_dim=matrix.shape[1],
        cross_attention_dim=width,
        num_image_text_embeds=matrix.shape[0] // width,
    )
    made.load_state_dict({
        re.sub(r"^proj\.", "image_embeds.", name): tensor for name, tensor in parts.items()
    })  # fmt: skip
    return made


def _plus(parts: dict[str, Tensor]) -> nn.Module:
    spelled: dict[str, Tensor] = {}
    for name, tensor in parts.items():
        new = name
        for pattern, to in PLUS:
            new, changed = re.subn(pattern, to, new)
            if changed:
                break
        if ".to_kv." in new:
            for one, half in zip(("to_k", "to_v"), tensor.chunk(2), strict=True):
                spelled[new.replace("to_kv", one)] = half
        else:
            spelled[new] = tensor
    width = parts["proj_in.weight"].shape[0]
    made = IPAdapterPlusImageProjection(
        embed_dims=parts["proj_in.weight"].shape[1],
        output_dims=parts["proj_out.weight"].shape[0],
        hidden_dims=width,
        depth=1 + max(int(name.split(".")[1]) for name in spelled if name.startswith("layers.")),
        dim_head=HEAD,
        heads=spelled["layers.0.attn.to_q.weight"].shape[0] // HEAD,
        num_queries=parts["latents"].shape[1],
        ffn_ratio=spelled["layers.0.ff.1.net.0.proj.weight"].shape[0] / width,
    )
    made.load_state_dict(spelled)
    return made


def _encoder(network: ReferenceNetwork, dtype: torch.dtype) -> Any:
    """The image encoder; :class:`InputError` when its weights are not whole."""
    kind: Any = CLIPVisionModelWithProjection
    variant = None if (network.encoder / "model.safetensors").is_file() else "fp16"
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        made, told = kind.from_pretrained(
            network.encoder,
            local_files_only=True,
            use_safetensors=True,
            dtype=dtype,
            output_loading_info=True,
            **({"variant": variant} if variant else {}),
        )
    finally:
        if bars:
            transformers_logging.enable_progress_bar()
    if told["missing_keys"]:
        raise InputError(
            f"The image encoder in {network.encoder} is not whole.",
            f"{len(told['missing_keys'])} of its tensors are missing.",
            "Download it again.",
        )
    return made.eval().requires_grad_(requires_grad=False)
