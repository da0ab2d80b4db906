"""One batch from noise to latents.

Noise comes from a CPU generator per picture, seeded with the recipe's seed: the start, and whatever an
ancestral or stochastic sampler adds on the way. So a picture's noise is the same on every machine and beside
every neighbour.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from duktus.domain.recipe import Sampler, Schedule
from duktus.families.samplers import quiet_numpy

if TYPE_CHECKING:
    from duktus.families.family import Conditioning, LoadedBase


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one shape on one base."""

    base: LoadedBase
    conditioning: Conditioning
    """Rows for the pictures; with cfg the negative prompts' rows first, then the prompts'."""
    seeds: tuple[int, ...]
    cfg: tuple[float, ...] | None
    """Guidance of each picture, or ``None`` when no picture has any."""
    steps: int
    sampler: Sampler
    schedule: Schedule
    shape: tuple[int, int, int]
    guidance: tuple[float, ...] | None = None
    """For guidance-distilled networks, of each picture."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The batch after one evaluation of the denoiser; latents in the sampler's own scale."""

    step: int
    steps: int
    latents: Tensor
    unit: Tensor
    """The latents scaled to what the decoder expects of a clean picture plus noise."""
    clean: Tensor
    """What the picture would be if the denoiser were right already."""


def denoise(batch: Batch) -> Iterator[Snapshot]:
    """The batch after every step; the last snapshot holds the finished latents."""
    scheduler = batch.base.noise_scheduler(batch.sampler, batch.schedule, batch.shape)
    with quiet_numpy():
        scheduler.set_timesteps(batch.steps, device=batch.base.device)
    generators = [torch.Generator().manual_seed(seed) for seed in batch.seeds]
    start = torch.cat([torch.randn((1, *batch.shape), generator=generator) for generator in generators])
    latents = start.to(batch.base.device) * scheduler.init_noise_sigma
    cfg = None
    if batch.cfg is not None:
        cfg = torch.tensor(batch.cfg, device=latents.device).view(-1, 1, 1, 1)
    extra: dict[str, Any] = {}
    if "generator" in inspect.signature(scheduler.step).parameters:
        extra["generator"] = generators
    timesteps = scheduler.timesteps
    for step, timestep in enumerate(timesteps, start=1):
        with torch.inference_mode():
            seen = scheduler.scale_model_input(latents, timestep)
            answer = _answer(batch, seen, timestep, cfg)
            result = scheduler.step(answer, timestep, latents, **extra)
            latents = result.prev_sample
            last = step == len(timesteps)
            unit = latents if last else scheduler.scale_model_input(latents, timesteps[step])
            clean = latents if last else _clean(scheduler, result, unit)
        yield Snapshot(step=step, steps=len(timesteps), latents=latents, unit=unit, clean=clean)


def _answer(batch: Batch, seen: Tensor, timestep: Tensor, cfg: Tensor | None) -> Tensor:
    """The denoiser's answer with guidance, in float32."""
    if cfg is not None:
        seen = torch.cat([seen, seen])
    guidance = None
    if batch.guidance is not None:
        repeats = len(seen) // len(batch.guidance)
        guidance = torch.tensor(batch.guidance, device=seen.device).repeat(repeats)
    answer = batch.base.predict(
        seen.to(batch.base.dtype), timestep.reshape(1), batch.conditioning, guidance
    ).float()
    if cfg is None:
        return answer
    without, asked = answer.chunk(2)
    return without + cfg * (asked - without)


def _clean(scheduler: Any, result: Any, unit: Tensor) -> Tensor:
    """The sampler's own estimate of the clean latents, where it keeps one."""
    for name in ("pred_original_sample", "denoised"):
        estimate = getattr(result, name, None)
        if estimate is not None:
            return estimate
    history = getattr(scheduler, "model_outputs", None)
    if history and history[-1] is not None:
        return history[-1]
    return unit
