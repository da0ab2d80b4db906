"""One batch from noise to latents.

Noise comes from a CPU generator per picture, seeded with the recipe's seed: the start, and whatever an
ancestral or stochastic sampler adds on the way. So a picture's noise is the same on every machine and beside
every neighbour.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from duktus.domain.beginning import steps_skipped
from duktus.domain.recipe import Sampler, Schedule
from duktus.families.lora import only_rows
from duktus.families.samplers import quiet_numpy
from duktus.rendering.groups import GUIDED
from duktus.rendering.noise import start_noise
from duktus.rendering.steering import total

if TYPE_CHECKING:
    from duktus.domain.beginning import Variation
    from duktus.families.family import Conditioning, LoadedBase
    from duktus.rendering.steering import Steering


@dataclass(frozen=True, slots=True)
class Over:
    """Latents (n, c, h, w) of finished pictures that are drawn over, with the share of the steps that run."""

    latents: Tensor
    denoise: float
    free: Tensor | None = None
    """(n, 1, h, w): which latents may change; None when all may."""


@dataclass(frozen=True, slots=True)
class Share:
    """One of two parts that the noise levels are divided into, on different bases."""

    at: float
    """Where the second takes over, as a share of the trained noise levels."""
    generators: tuple[torch.Generator, ...]
    """Of each picture; the second part draws on where the first stopped."""
    begun: Tensor | None = None
    """What the first part left, in the sampler's own scale; None in the first part."""


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
    variations: tuple[Variation | None, ...] = ()
    """Of each picture; empty when none has any."""
    over: Over | None = None
    steering: Sequence[Steering] = ()
    hurried: bool = False
    """Whether the last steps may take over the guidance of the one before (:data:`GUIDED`)."""
    share: Share | None = None


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
    generators = [*batch.share.generators] if batch.share else generators_of(batch.seeds)
    latents, noise, (begin, end) = _start(batch, scheduler, generators)
    timesteps = scheduler.timesteps
    cfg = None
    if batch.cfg is not None:
        cfg = torch.tensor(batch.cfg, device=latents.device).view(-1, 1, 1, 1)
    extra: dict[str, Any] = {}
    if "generator" in inspect.signature(scheduler.step).parameters:
        extra["generator"] = generators
    apart: Tensor | None = None
    for place in range(begin, end):
        timestep = timesteps[place]
        following = None if place + 1 == len(timesteps) else timesteps[place + 1]
        done = (place - begin) / (end - begin)
        with torch.inference_mode():
            seen = scheduler.scale_model_input(latents, timestep)
            if batch.hurried and apart is not None and done >= GUIDED:
                assert cfg is not None
                answer = _asked(batch, seen, timestep, done) + (cfg - 1) * apart
            else:
                answer, apart = _answer(batch, seen, timestep, cfg, done)
            result = scheduler.step(answer, timestep, latents, **extra)
            latents = _held(batch.over, scheduler, result.prev_sample, noise, following)
            unit = latents if following is None else scheduler.scale_model_input(latents, following)
            clean = latents if following is None else _clean(scheduler, result, unit)
        yield Snapshot(step=place + 1 - begin, steps=end - begin, latents=latents, unit=unit, clean=clean)


def generators_of(seeds: Sequence[int]) -> list[torch.Generator]:
    """The source of all noise of each picture, on the CPU."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _start(
    batch: Batch, scheduler: Any, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """The first latents, the start noise, and which timesteps run: all of them, the last ones over finished
    latents, or one part of the two that a refiner's hand-over makes.
    """
    every = len(scheduler.timesteps)
    if batch.share is not None and batch.share.begun is not None:
        begin = _handed_over(scheduler, batch.share.at)
        _begin_at(scheduler, begin)
        return batch.share.begun, batch.share.begun, (begin, every)
    noise = start_noise(generators, batch.variations or (None,) * len(batch.seeds), batch.shape)
    noise = noise.to(batch.base.device)
    if batch.over is None:
        end = every if batch.share is None else _handed_over(scheduler, batch.share.at)
        return noise * scheduler.init_noise_sigma, noise, (0, end)
    begin = steps_skipped(batch.steps, batch.over.denoise) * getattr(scheduler, "order", 1)
    _begin_at(scheduler, begin)
    return noised(scheduler, batch.over.latents, noise, scheduler.timesteps[begin]), noise, (begin, every)


def _begin_at(scheduler: Any, place: int) -> None:
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(place)


def _handed_over(scheduler: Any, at: float) -> int:
    """How many steps the first part has; each part has at least one.

    The rule of diffusers' ensemble of denoisers: those at or above ``round(trained * (1 - at))``
    (``denoising_end`` in pipelines/stable_diffusion_xl/pipeline_stable_diffusion_xl.py).
    """
    trained = scheduler.config.num_train_timesteps
    first = int((scheduler.timesteps >= round(trained - at * trained)).sum())
    return max(1, min(first, len(scheduler.timesteps) - 1))


def noised(scheduler: Any, latents: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
    """Clean latents at the noise level of ``timestep``, in the sampler's own scale."""
    at = timestep.reshape(1).expand(len(latents))
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(latents, at, noise)
    return scheduler.add_noise(latents, noise, at)


def _held(
    over: Over | None, scheduler: Any, latents: Tensor, noise: Tensor, following: Tensor | None
) -> Tensor:
    """``latents`` with the closed ones put back to the source's, as noisy as the next step expects."""
    if over is None or over.free is None:
        return latents
    kept = over.latents if following is None else noised(scheduler, over.latents, noise, following)
    return torch.where(over.free, latents, kept)


def _answer(
    batch: Batch, seen: Tensor, timestep: Tensor, cfg: Tensor | None, done: float
) -> tuple[Tensor, Tensor | None]:
    """The denoiser's answer with guidance, in float32, and how far the prompt's answer is from the negative
    prompt's, None without guidance; ``done`` is the share of the steps behind us.
    """
    if cfg is not None:
        seen = torch.cat([seen, seen])
    answer = _predicted(batch, seen.to(batch.base.dtype), timestep.reshape(1), done).float()
    if cfg is None:
        return answer, None
    without, asked = answer.chunk(2)
    apart = asked - without
    return without + cfg * apart, apart


def _asked(batch: Batch, seen: Tensor, timestep: Tensor, done: float) -> Tensor:
    """The denoiser's answer to the prompts alone, in float32."""
    rows = range(len(seen), 2 * len(seen))
    prompts = replace(batch, conditioning=batch.conditioning.rows(list(rows)))
    with only_rows(torch.tensor(list(rows), device=seen.device)):
        return _predicted(prompts, seen.to(batch.base.dtype), timestep.reshape(1), done).float()


def _predicted(batch: Batch, seen: Tensor, timestep: Tensor, done: float) -> Tensor:
    """The denoiser's raw output, steered where a control acts now."""
    found = [
        (one.network, residuals)
        for one in batch.steering
        if (residuals := one.residuals(seen, timestep, batch.conditioning, done)) is not None
    ]
    if not found:
        guidance = None
        if batch.guidance is not None:
            repeats = len(seen) // len(batch.guidance)
            guidance = torch.tensor(batch.guidance, device=seen.device).repeat(repeats)
        return batch.base.predict(seen, timestep, batch.conditioning, guidance)
    added = total([residuals for _, residuals in found])
    return found[0][0].predict(seen, timestep, batch.conditioning, added)


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
