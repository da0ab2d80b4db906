"""Whether a step keeps everything that its backward pass needs, or computes most of it a second time.

Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174) keeps the borders of the denoiser's blocks only.
A LoRA step on a frozen base costs two forward passes without it and three with it, so it is worth its time
only where memory is short. What a step keeps is measured on the real model, small enough to be safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import torch

from duktus.families import lora
from duktus.training.randomness import generator_for

if TYPE_CHECKING:
    from torch import Tensor

    from duktus.domain.style import TeachSettings
    from duktus.families.family import Conditioning, LoadedBase

TRIED = (128, 256)
"""Edges in pixels at which a larger picture's share is measured; smaller ones are measured as they are."""
SHARE = 0.8
"""Of the free memory that a step may keep; the rest is for what comes and goes within an operation."""
PER_PARAMETER = 4 * 4
"""Bytes beside the adapter itself: its gradient, two moments, and what the optimiser needs on its way."""
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Example:
    """One picture as the denoiser sees it, all noise."""

    noisy: Tensor
    timesteps: Tensor
    target: Tensor
    text: Conditioning


@dataclass(frozen=True, slots=True)
class Keeping:
    """What was decided about gradient checkpointing, and on what grounds. Sizes in bytes."""

    recompute: bool
    needed: int
    """What a whole step keeps without it."""
    free: int
    asked: bool
    """Whether the settings say so, not the memory."""

    @property
    def words(self) -> str:
        """The decision as one sentence."""
        sizes = f"{self.needed / 2**30:.1f} GB until it goes back, and {self.free / 2**30:.1f} GB are free"
        cost = "; it costs about half as much time again" if self.recompute else ""
        state = f"gradient checkpointing is {'on' if self.recompute else 'off'}"
        return f"A step keeps about {sizes}: {state}{', as asked' if self.asked else ''}{cost}."


def example(base: LoadedBase, settings: TeachSettings, resolution: int) -> Example:
    """A made-up picture of that size, with the trigger word as its caption."""
    shape = base.latent_shape(resolution, resolution)
    latents, noise = torch.randn((2, 1, *shape), generator=generator_for("probe device")).to(base.device)
    timesteps = base.probe_timesteps(2)[:1].to(base.device)
    return Example(
        base.add_noise(latents, noise, timesteps).to(base.dtype),
        timesteps,
        base.training_target(latents, noise, timesteps).float(),
        base.encode_text([settings.trigger]),
    )


def decide(base: LoadedBase, settings: TeachSettings) -> Keeping:
    """On when the settings say so, or when a step would not fit into the memory that is free now.

    Only decides: :func:`recompute` does it. Measuring leaves it off.
    """
    needed, free = step_bytes(base, settings), free_memory(base.device)
    if settings.gradient_checkpointing == "auto":
        return Keeping(needed > SHARE * free, needed, free, asked=False)
    return Keeping(settings.gradient_checkpointing == "on", needed, free, asked=True)


def recompute(base: LoadedBase, *, on: bool) -> None:
    """Switch gradient checkpointing of the denoiser on or off; forward passes alone never change."""
    denoiser: Any = base.denoiser
    if on:
        denoiser.enable_gradient_checkpointing()
    else:
        denoiser.disable_gradient_checkpointing()


def recomputes(base: LoadedBase) -> bool:
    """Whether gradient checkpointing is on."""
    denoiser: Any = base.denoiser
    return bool(denoiser.is_gradient_checkpointing)


def step_bytes(base: LoadedBase, settings: TeachSettings) -> int:
    """What one step keeps without gradient checkpointing, beside the base: activations, gradients, moments.

    Activations grow with the number of pixels, above a share that the text alone has; so two small sizes
    tell a large one. Attention that PyTorch does not compute in one piece would grow faster.
    """
    paths = base.target_modules(settings.targets)
    adapters = lora.inject(base.denoiser, paths, rank=settings.rank, alpha=settings.alpha, seed=0)
    recompute(base, on=False)
    try:
        small, large = TRIED
        if settings.resolution <= large:
            picture = _kept(base, example(base, settings, settings.resolution))
        else:
            a, b = (_kept(base, example(base, settings, edge)) for edge in TRIED)
            grown = (settings.resolution**2 - small**2) / (large**2 - small**2)
            picture = round(a + (b - a) * grown)
        own = sum(parameter.numel() for parameter in adapters.parameters())
    finally:
        adapters.eject()
    return picture * settings.batch + own * PER_PARAMETER


def _kept(base: LoadedBase, shown: Example) -> int:
    """Bytes that autograd holds after one forward pass, weights apart; each storage once."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in base.denoiser.parameters()}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        answer = base.predict(shown.noisy, shown.timesteps, shown.text)
    del answer  # held until here, so that no storage was counted under a used address
    return sum(sizes.values())


def free_memory(device: torch.device) -> int:
    """Bytes that can still be taken on that device, within the limits that hold for this process."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    free = psutil.virtual_memory().available
    within = cgroup_room(CGROUP)
    return free if within is None else min(free, within)


def cgroup_room(folder: Path) -> int | None:
    """What a container's limit (cgroup v2) leaves; None without one. Cached files give way."""
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        facts = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = next(int(line.split()[1]) for line in facts if line.startswith("inactive_file "))
    except (OSError, ValueError, StopIteration):  # "max" is no number: there is no limit
        return None
    return max(0, limit - used + cached)
