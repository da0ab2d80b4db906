from __future__ import annotations

import itertools
import math

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import NoiseLevels
from duktus.families.flow import flow_matching
from duktus.families.flow.samplers import flow_scheduler
from duktus.families.flow.schedules import FLOW_SCHEDULES_OF

SHAPE = (16, 8, 12)


def exponent(steps):
    """As FLUX.1 shifts at that size, whatever the steps."""
    return calculate_shift(24)


STATIC = {"shift": 6.0, "_class_name": "FlowMatchEulerDiscreteScheduler"}
DYNAMIC = {"shift": 3.0, "use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}


def drawn(levels: NoiseLevels, shift: float = 2.0, n: int = 4000) -> torch.Tensor:
    return flow_matching.draw_timesteps(n, torch.Generator().manual_seed(0), levels, shift) / 1000


def test_the_path_is_straight_and_its_velocity_leads_along_it():
    picture, noise = torch.randn(2, 3, *SHAPE, generator=torch.Generator().manual_seed(0))
    times = torch.tensor([0.0, 250.0, 1000.0])
    noisy = flow_matching.add_noise(picture, noise, times)
    assert torch.equal(noisy[0], picture[0])
    assert torch.equal(noisy[2], noise[2])
    assert torch.allclose(noisy[1], 0.75 * picture[1] + 0.25 * noise[1])
    reached = noisy[1] - 0.25 * flow_matching.velocity(picture, noise)[1]
    assert torch.allclose(reached, picture[1], atol=1e-6)


def test_noise_levels_are_drawn_where_their_names_say():
    for levels in NoiseLevels:
        found = drawn(levels)
        assert torch.equal(found, drawn(levels))
        assert 0 < found.min() < found.max() <= 1
    assert drawn(NoiseLevels.UNIFORM).mean() == pytest.approx(0.5, abs=0.02)
    assert drawn(NoiseLevels.UNIFORM).std() == pytest.approx(math.sqrt(1 / 12), abs=0.01)
    middle = drawn(NoiseLevels.LOGIT_NORMAL)
    assert torch.logit(middle).mean() == pytest.approx(0, abs=0.05)
    assert torch.logit(middle).std() == pytest.approx(1, abs=0.05)
    moved = drawn(NoiseLevels.SHIFTED, shift=2.0)
    assert torch.allclose(torch.logit(moved), torch.logit(middle) + math.log(2), atol=1e-4)
    high = drawn(NoiseLevels.HIGH_NOISE).clamp(max=1 - 1e-6)
    ratio = 2 * torch.log((1 - high) / high)
    assert ratio.median() == pytest.approx(-6, abs=0.15)
    assert (ratio.quantile(0.84) - ratio.quantile(0.16)) / 2 == pytest.approx(2, abs=0.15)


def test_probes_go_from_low_to_high_noise():
    assert flow_matching.probe_timesteps(4).tolist() == [125, 375, 625, 875]


def test_min_snr_weights_are_refused_with_the_way_out():
    times = torch.tensor([100.0, 900.0])
    assert torch.equal(flow_matching.even_weights(times, None, "m"), torch.ones(2))
    with pytest.raises(InputError, match=r"min-SNR.*velocity.*noise_levels"):
        flow_matching.even_weights(times, 5.0, "m")


@pytest.mark.parametrize("noise", [STATIC, DYNAMIC], ids=["static", "dynamic"])
def test_noise_levels_of_rendering_are_those_of_the_official_pipelines(noise):
    ours = flow_scheduler(noise, Sampler.EULER, Schedule.NORMAL, exponent)
    ours.set_timesteps(7)
    theirs = FlowMatchEulerDiscreteScheduler.from_config(noise)
    theirs.set_timesteps(sigmas=[1 - n / 7 for n in range(7)], mu=calculate_shift(24))
    assert torch.allclose(ours.timesteps, theirs.timesteps, atol=1e-3)
    assert torch.allclose(ours.sigmas, theirs.sigmas, atol=1e-6)
    even = torch.linspace(1, 1 / 7, 7)
    shift = flow_matching.sampling_shift(noise, 24)
    assert torch.allclose(ours.sigmas[:-1], shift * even / (1 + (shift - 1) * even), atol=1e-5)


@pytest.mark.parametrize(("sampler", "schedule"), list(itertools.product(Sampler, Schedule)))
def test_every_sampler_arrives_at_the_picture_or_is_refused_by_name(sampler, schedule):
    """On straight paths the true velocity leads each sampler to the picture, whatever its steps."""
    if schedule not in FLOW_SCHEDULES_OF.get(sampler, ()):
        with pytest.raises(InputError, match=sampler.value.replace("+", r"\+")):
            flow_scheduler(STATIC, sampler, schedule, exponent)
        return
    picture = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(1))
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    latents = torch.cat([torch.randn(1, *SHAPE, generator=generator) for generator in generators])
    scheduler = flow_scheduler(DYNAMIC, sampler, schedule, exponent)
    scheduler.set_timesteps(5)
    assert len(scheduler.timesteps) == (9 if sampler is Sampler.HEUN else 5)
    for time in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, time)
        answer = (seen - picture) / (time / 1000)
        stepped = scheduler.step(answer, time, latents, generator=generators)
        assert torch.allclose(stepped.pred_original_sample, picture, atol=1e-4)
        latents = stepped.prev_sample
    assert torch.allclose(latents, picture, atol=1e-4)


@pytest.mark.parametrize("sampler", FLOW_SCHEDULES_OF)
def test_every_sampler_can_begin_over_a_finished_picture(sampler):
    """As rendering over a source does: the last steps only, from the source noised so far."""
    source, picture, noise = torch.randn(3, 1, *SHAPE, generator=torch.Generator().manual_seed(1))
    scheduler = flow_scheduler(STATIC, sampler, Schedule.NORMAL, exponent)
    scheduler.set_timesteps(6)
    begin = 3 * scheduler.order
    scheduler.set_begin_index(begin)
    times = scheduler.timesteps[begin:]
    assert len(times) == (5 if sampler is Sampler.HEUN else 3)
    assert times[0] < scheduler.timesteps[0]
    latents = scheduler.add_noise(source, noise, times[:1])
    for time in times:
        answer = (latents - picture) / (time / 1000)
        latents = scheduler.step(answer, time, latents, generator=[torch.Generator()]).prev_sample
    assert torch.allclose(latents, picture, atol=1e-4)


def test_a_stochastic_sampler_gives_each_picture_its_own_noise():
    def second(seeds):
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        scheduler = flow_scheduler(STATIC, Sampler.LCM, Schedule.NORMAL, exponent)
        scheduler.set_timesteps(4)
        latents, zero = torch.zeros(len(seeds), *SHAPE), torch.zeros(len(seeds), *SHAPE)
        return scheduler.step(zero, scheduler.timesteps[0], latents, generator=generators).prev_sample

    together = second((3, 4))
    assert torch.equal(together[1:], second((4,)))
    assert not torch.equal(together[0], together[1])
