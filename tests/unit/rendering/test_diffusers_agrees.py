"""What duktus renders, diffusers' own pipeline renders too, with our base and our style file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
)
from tests.support.recipes import recipe, styled, write_random_style

from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import Targets
from duktus.families.samplers import quiet_numpy
from duktus.rendering.renderer import Renderer

SAMPLERS = {
    Sampler.DPMPP_2M: (DPMSolverMultistepScheduler, Schedule.KARRAS, {"use_karras_sigmas": True}),
    Sampler.EULER: (EulerDiscreteScheduler, Schedule.NORMAL, {}),
    Sampler.DDIM: (DDIMScheduler, Schedule.NORMAL, {}),
}


@pytest.fixture(scope="module")
def pipeline(tiny):
    pipe = StableDiffusionPipeline.from_pretrained(tiny.folder, safety_checker=None, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module", params=[Targets.ATTENTION_FEED_FORWARD, Targets.ATTENTION_FEED_FORWARD_CONV])
def taught(request, tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("styles") / "s.safetensors"
    return write_random_style(tiny, path, rank=8, alpha=4, targets=request.param, deviation=0.3), path


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_pipeline_draws_the_same_picture(tiny, taught, pipeline, sampler):
    style, path = taught
    kind, schedule, settings = SAMPLERS[sampler]
    recipes = [
        recipe(tiny, adapters=styled(style, strength), sampler=sampler, schedule=schedule, steps=6)
        for strength in (0.0, 0.7, 1.0)
    ]
    ours = [picture.pixels for picture in Renderer(tiny, {style: path}).render(recipes)]
    base_scheduler = pipeline.scheduler
    with quiet_numpy():
        pipeline.scheduler = kind.from_config(base_scheduler.config, **settings)
        pipeline.load_lora_weights(path.parent, weight_name=path.name, adapter_name="laz")
        for one, mine in zip(recipes, ours, strict=True):
            pipeline.set_adapters("laz", adapter_weights=one.adapters[0].strength)
            start = torch.randn((1, 16, 8, 8), generator=torch.Generator().manual_seed(one.seed))
            theirs = pipeline(
                one.prompt,
                negative_prompt=one.negative_prompt,
                num_inference_steps=one.steps,
                guidance_scale=one.cfg,
                latents=start,
                height=64,
                width=64,
                output_type="np",
            ).images[0]
            distance = np.abs(theirs * 255 - mine.astype(np.float64)).mean()
            assert distance <= 1.0, (sampler, one.adapters[0].strength)
        pipeline.unload_lora_weights()
    pipeline.scheduler = base_scheduler
    assert np.abs(ours[0].astype(np.float64) - ours[2]).mean() > 5, (
        "the style must be visible for this to mean much"
    )
