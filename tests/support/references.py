"""IP-Adapters with random weights, plain and plus, and a small image encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.utils import logging

from duktus.domain.base import Base

HIDDEN, SUMMARY, INNER = 32, 24, 64


def write_random_encoder(folder: Path, seed: int = 0) -> Path:
    """A CLIP vision model that sees 32 x 32 pixels."""
    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        configuration = CLIPVisionConfig(
            hidden_size=HIDDEN, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
            image_size=32, patch_size=8, projection_dim=SUMMARY,
        )  # fmt: skip
        making: Any = CLIPVisionModelWithProjection
        making(configuration).save_pretrained(folder)
    return folder


def write_random_reference(base: Base, path: Path, *, plus: bool = False, seed: int = 0) -> Path:
    """An IP-Adapter for the attentions of that base, strong enough to be seen."""
    unets: Any = UNet2DConditionModel
    unet = unets.from_pretrained(base.folder / "unet", local_files_only=True, use_safetensors=True)
    width = unet.config.cross_attention_dim
    generator = torch.Generator().manual_seed(seed)

    def matrix(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) / shape[-1] ** 0.5

    tensors = _plus(matrix, width) if plus else _plain(matrix, width)
    modules = dict(unet.named_modules())
    names = [name.removesuffix(".processor") for name in unet.attn_processors if "attn2" in name]
    for place, name in enumerate(names):
        inner = modules[name].to_k.weight.shape[0]
        for letter in "kv":
            tensors[f"ip_adapter.{2 * place + 1}.to_{letter}_ip.weight"] = 2 * matrix(inner, width)
    save_file(tensors, path)
    return path


def _plain(matrix: Any, width: int) -> dict[str, torch.Tensor]:
    return {
        "image_proj.proj.weight": matrix(4 * width, SUMMARY),
        "image_proj.proj.bias": matrix(4 * width),
        "image_proj.norm.weight": 1 + matrix(width),
        "image_proj.norm.bias": matrix(width),
    }


def _plus(matrix: Any, width: int) -> dict[str, torch.Tensor]:
    """The resampler of tencent-ailab/IP-Adapter, in its own spelling, with one head of 64."""
    found = {
        "latents": matrix(1, 5, INNER),
        "proj_in.weight": matrix(INNER, HIDDEN),
        "proj_in.bias": matrix(INNER),
        "proj_out.weight": matrix(width, INNER),
        "proj_out.bias": matrix(width),
        "norm_out.weight": 1 + matrix(width),
        "norm_out.bias": matrix(width),
    }
    for layer in range(4):
        for norm in ("0.norm1", "0.norm2", "1.0"):
            found[f"layers.{layer}.{norm}.weight"] = 1 + matrix(INNER)
            found[f"layers.{layer}.{norm}.bias"] = matrix(INNER)
        found[f"layers.{layer}.0.to_q.weight"] = matrix(64, INNER)
        found[f"layers.{layer}.0.to_kv.weight"] = matrix(128, INNER)
        found[f"layers.{layer}.0.to_out.weight"] = matrix(INNER, 64)
        found[f"layers.{layer}.1.1.weight"] = matrix(4 * INNER, INNER)
        found[f"layers.{layer}.1.3.weight"] = matrix(INNER, 4 * INNER)
    return {f"image_proj.{name}": tensor for name, tensor in found.items()}
