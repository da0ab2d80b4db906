"""Samplers of flow-matching families, behind the interface of diffusers' other schedulers.

The noise levels are always those of ``FlowMatchEulerDiscreteScheduler`` with the base's own shift, as the
official pipelines ask for them; a sampler only decides how to step along them. Two of diffusers' solvers make
their own otherwise: its Heun shifts the last level twice, its DPM++ rounds timesteps to whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
)

from duktus.domain.recipe import Sampler, Schedule
from duktus.families.flow.flow_matching import add_noise, noise_level
from duktus.families.flow.schedules import check_flow_combination
from duktus.families.samplers import quiet_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

KEPT = (
    "num_train_timesteps", "shift", "use_dynamic_shifting", "base_shift", "max_shift", "base_image_seq_len",
    "max_image_seq_len", "shift_terminal", "time_shift_type",
)  # fmt: skip
"""What a base's configuration says about its noise; everything else belongs to a sampler."""

SPACINGS: dict[Schedule, dict[str, Any]] = {
    Schedule.NORMAL: {},
    Schedule.KARRAS: {"use_karras_sigmas": True},
    Schedule.EXPONENTIAL: {"use_exponential_sigmas": True},
}


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step of a sampler."""

    prev_sample: Tensor
    pred_original_sample: Tensor
    """The clean latents if the velocity were right all the way."""


class FlowScheduler:
    """A sampler on the noise levels of one base at one size; for one run."""

    init_noise_sigma = 1.0

    def __init__(
        self,
        noise: Mapping[str, Any],
        sampler: Sampler,
        schedule: Schedule,
        shift_exponent: Callable[[int], float],
    ) -> None:
        known = {name: value for name, value in noise.items() if name in KEPT}
        stochastic: dict[str, Any] = {"stochastic_sampling": True} if sampler is Sampler.LCM else {}
        self._levels: Any = FlowMatchEulerDiscreteScheduler(**known, **SPACINGS[schedule], **stochastic)
        self._shift_exponent = shift_exponent if known.get("use_dynamic_shifting") else None
        self._solver: Any = self._levels
        if sampler is Sampler.HEUN:
            self._solver = FlowMatchHeunDiscreteScheduler()
        elif sampler is Sampler.DPMPP_2M:
            self._solver = DPMSolverMultistepScheduler(
                prediction_type="flow_prediction", use_flow_sigmas=True
            )

    @property
    def order(self) -> int:
        """Evaluations of the denoiser for each step."""
        return self._solver.order

    def set_begin_index(self, index: int) -> None:
        """Start at that place of ``timesteps``, over latents that are noised so far already."""
        self._solver.set_begin_index(index)

    @property
    def timesteps(self) -> Tensor:
        """Float32, high to low noise, one for each evaluation of the denoiser."""
        return self._solver.timesteps

    @property
    def sigmas(self) -> Tensor:
        """The noise levels of the steps and, last, 0."""
        return self._levels.sigmas

    def set_timesteps(self, steps: int, device: torch.device | str | None = None) -> None:
        """Choose the noise levels; they are those of the official pipelines for this base and size."""
        even = np.linspace(1.0, 1 / steps, steps)
        mu = None if self._shift_exponent is None else self._shift_exponent(steps)
        self._levels.set_timesteps(sigmas=even, device=device, mu=mu)
        if self._solver is self._levels:
            return
        with quiet_numpy():
            self._solver.set_timesteps(steps, device=device)
        times, levels = self._levels.timesteps, self._levels.sigmas
        if isinstance(self._solver, FlowMatchHeunDiscreteScheduler):  # looks twice at every step but the last
            times = torch.cat([times[:1], times[1:].repeat_interleave(2)])
            levels = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])
        self._solver.timesteps = times
        self._solver.sigmas = levels if self._solver.order == 2 else levels.cpu()

    def scale_model_input(self, latents: Tensor, timestep: Tensor) -> Tensor:  # noqa: ARG002 - the interface
        """The latents as they are: on a straight path nothing is scaled."""
        return latents

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The noisy latents at these timesteps (n,)."""
        return add_noise(latents, noise, timesteps)

    def step(
        self,
        velocity: Tensor,
        timestep: Tensor,
        latents: Tensor,
        generator: list[torch.Generator] | None = None,
    ) -> FlowStep:
        """One evaluation's step; ``generator`` gives each picture the noise of a stochastic sampler."""
        clean = latents - noise_level(timestep.reshape(1), latents) * velocity
        stepped = self._solver.step(velocity, timestep, latents, generator=generator)
        return FlowStep(stepped.prev_sample, clean)


def flow_scheduler(
    noise: Mapping[str, Any], sampler: Sampler, schedule: Schedule, shift_exponent: Callable[[int], float]
) -> FlowScheduler:
    """A fresh sampler; :class:`InputError` for one these families lack.

    ``shift_exponent`` gives for a number of steps how far noise levels that follow the size are moved.
    """
    check_flow_combination(sampler, schedule)
    return FlowScheduler(noise, sampler, schedule, shift_exponent)
