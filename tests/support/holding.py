"""Bases whose weights are held in one way or another, and what they answer and learn."""

from __future__ import annotations

import torch
from torch import nn

from duktus.domain.base import Base
from duktus.domain.style import Targets
from duktus.families import lora, registry
from duktus.families.family import LoadedBase
from duktus.families.holding import Holding

Gradients = dict[str, tuple[torch.Tensor, torch.Tensor]]


def held(base: Base, holding: Holding, dtype: str = "float32") -> LoadedBase:
    """That base, its denoiser laid out as training lays it out."""
    loaded = registry.family(base.family).load(base, dtype=dtype, holding=holding)
    loaded.denoiser.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return loaded


def answer(base: LoadedBase, seed: int = 0) -> torch.Tensor:
    """What it says of a picture of noise."""
    generator = torch.Generator().manual_seed(seed)
    noisy = torch.randn((2, *base.latent_shape(64, 64)), generator=generator)
    return base.predict(noisy.to(base.dtype), base.probe_timesteps(2), base.encode_text(["portrait", "man"]))


def taught(base: LoadedBase) -> tuple[torch.Tensor, Gradients]:
    """An answer with an adapter, and the gradients of the adapter."""
    convolutions = base.base.family in ("sd15", "sdxl")
    targets = Targets.ATTENTION_FEED_FORWARD_CONV if convolutions else Targets.ATTENTION_FEED_FORWARD
    adapters = lora.inject(base.denoiser, base.target_modules(targets), rank=4, alpha=4, seed=0)
    for parameter in adapters.parameters():  # else every gradient of a down matrix is zero
        nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(1))
    said = answer(base)
    said.float().square().mean().backward()
    named = dict(adapters.named_parameters())
    gradients = {}
    for number, path in enumerate(adapters.paths):
        down, up = named[f"pairs.{number}.down"].grad, named[f"pairs.{number}.up"].grad
        assert down is not None
        assert up is not None
        gradients[path] = (down, up)
    return said.detach(), gradients
