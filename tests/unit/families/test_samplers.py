from __future__ import annotations

import itertools

import pytest
import torch

from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import NoiseLevels
from duktus.families.samplers import noise_scheduler
from duktus.families.schedules import SCHEDULES_OF, check_combination


@pytest.mark.parametrize(("sampler", "schedule"), list(itertools.product(Sampler, Schedule)))
def test_every_combination_works_or_is_refused_by_name(loaded, sampler, schedule):
    if schedule not in SCHEDULES_OF[sampler]:
        with pytest.raises(InputError, match=f"Sampler {sampler.value}.* has no {schedule.value}"):
            loaded.noise_scheduler(sampler, schedule)
        return
    scheduler = loaded.noise_scheduler(sampler, schedule)
    assert scheduler.config.prediction_type == "v_prediction"
    assert scheduler.config.beta_schedule == "scaled_linear"
    assert scheduler.config.timestep_spacing == "trailing"
    assert bool(scheduler.config.get("use_karras_sigmas")) == (schedule is Schedule.KARRAS)
    assert bool(scheduler.config.get("use_exponential_sigmas")) == (schedule is Schedule.EXPONENTIAL)


def test_what_cannot_be_is_said_before_anything_is_loaded():
    with pytest.raises(InputError, match="50"):
        check_combination(Sampler.LCM, Schedule.NORMAL, 51)
    check_combination(Sampler.LCM, Schedule.NORMAL, 50)
    with pytest.raises(InputError, match="zero terminal"):
        noise_scheduler({"rescale_betas_zero_snr": True}, Sampler.HEUN, Schedule.NORMAL)


def test_latents_are_never_clipped_unless_the_base_says_so():
    assert not noise_scheduler({}, Sampler.DDIM, Schedule.NORMAL).config.clip_sample


def test_the_noise_rules_of_the_base_are_those_of_its_training(loaded):
    generator = torch.Generator().manual_seed(0)
    latents, noise = torch.randn(2, 4, 16, 8, 8, generator=generator).unbind(0)
    times = torch.tensor([0, 300, 700, 999])
    noisy = loaded.add_noise(latents, noise, times)
    target = loaded.training_target(latents, noise, times)
    ddim = loaded.noise_scheduler(Sampler.DDIM, Schedule.NORMAL)
    assert torch.allclose(noisy, ddim.add_noise(latents, noise, times), atol=1e-6)
    assert torch.allclose(target, ddim.get_velocity(latents, noise, times), atol=1e-6)


def test_noise_levels_of_flow_matching_are_refused(loaded):
    for levels in set(NoiseLevels) - {NoiseLevels.UNIFORM}:
        with pytest.raises(InputError, match=levels.value):
            loaded.sample_timesteps(4, torch.Generator(), levels)


def test_weights_and_timesteps(loaded):
    times = torch.tensor([0, 300, 700, 999])
    assert torch.equal(loaded.loss_weight(times, None), torch.ones(4))
    weights = loaded.loss_weight(times, 5.0)
    signal = loaded.noise_scheduler(Sampler.DDIM, Schedule.NORMAL).alphas_cumprod[times]
    ratio = signal / (1 - signal)
    assert torch.allclose(weights, ratio.clamp(max=5) / (ratio + 1))
    drawn = loaded.sample_timesteps(200, torch.Generator().manual_seed(4))
    assert drawn.equal(loaded.sample_timesteps(200, torch.Generator().manual_seed(4)))
    assert 0 <= drawn.min() < 100
    assert 900 < drawn.max() < 1000
    assert loaded.probe_timesteps(4).tolist() == [125, 375, 625, 875]
