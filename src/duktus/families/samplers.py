"""Samplers and schedules by their field names, made from a base's own scheduler configuration."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    UniPCMultistepScheduler,
)

from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.families.schedules import check_combination

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

SPACINGS = {
    Schedule.NORMAL: {},
    Schedule.KARRAS: {"use_karras_sigmas": True},
    Schedule.EXPONENTIAL: {"use_exponential_sigmas": True},
}
SAMPLERS: dict[Sampler, tuple[Any, dict[str, Any]]] = {
    Sampler.DDIM: (DDIMScheduler, {}),
    Sampler.EULER: (EulerDiscreteScheduler, {}),
    Sampler.EULER_A: (EulerAncestralDiscreteScheduler, {}),
    Sampler.DPMPP_2M: (DPMSolverMultistepScheduler, {}),
    Sampler.DPMPP_2M_SDE: (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    Sampler.UNIPC: (UniPCMultistepScheduler, {}),
    Sampler.HEUN: (HeunDiscreteScheduler, {}),
    Sampler.LCM: (LCMScheduler, {}),
}

KEPT = (
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type",
    "timestep_spacing", "steps_offset", "rescale_betas_zero_snr", "clip_sample", "clip_sample_range",
    "set_alpha_to_one", "thresholding", "dynamic_thresholding_ratio", "sample_max_value",
)  # fmt: skip
"""What a base's configuration says about its noise; everything else belongs to a sampler."""


def noise_scheduler(configuration: Mapping[str, Any], sampler: Sampler, schedule: Schedule) -> Any:
    """A fresh diffusers scheduler for one run.

    Raises:
        InputError: the sampler cannot follow that schedule, or cannot start from pure noise on a base
            with zero terminal signal.
    """
    check_combination(sampler, schedule)
    kind, settings = SAMPLERS[sampler]
    if configuration.get("rescale_betas_zero_snr") and sampler is Sampler.HEUN:
        raise InputError(
            "Sampler Heun cannot start from pure noise, which this base needs.",
            "The base was trained with zero terminal signal-to-noise ratio.",
            "Choose Euler, DPM++ 2M, DDIM or UniPC.",
        )
    known = {"clip_sample": False} | {name: value for name, value in configuration.items() if name in KEPT}
    with quiet_numpy():
        return kind.from_config(known, **settings, **SPACINGS[schedule])


@contextmanager
def quiet_numpy() -> Generator[None]:
    """Hold back the one warning that diffusers 0.42 sets off under NumPy 2: ``np.array(tensor)``."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        yield
