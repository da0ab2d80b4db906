"""ControlNets and T2I-Adapters on tiny bases of each U-Net family: diffusers' own pipelines draw the same."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    ControlNetModel,
    EulerDiscreteScheduler,
    StableDiffusionAdapterPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLAdapterPipeline,
    StableDiffusionXLControlNetPipeline,
    T2IAdapter,
)
from PIL import Image
from tests.support.beginnings import photo, write_picture, write_random_adapter, write_random_control
from tests.support.recipes import recipe
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Base
from duktus.domain.beginning import Control, ControlKind, Hires
from duktus.domain.errors import InputError
from duktus.domain.recipe import Lane, Numerics, Recipe, Sampler, Schedule
from duktus.families.control import ControlNetwork
from duktus.families.registry import family_of, steerable
from duktus.families.samplers import quiet_numpy
from duktus.rendering.compare import Pixels, compare, pixel_hash
from duktus.rendering.renderer import Materials, Renderer

KINDS = ["sd15 ControlNet", "sdxl ControlNet", "sd15 full", "sd15 light grey", "sdxl adapter"]
ADAPTERS: dict[str, dict[str, Any]] = {
    "sd15 full": {"channels": [32, 64, 64], "num_res_blocks": 1},
    "sd15 light grey": {"channels": [32, 64], "adapter_type": "light_adapter", "in_channels": 1},
    "sdxl adapter": {
        "channels": [32, 48, 48, 48],
        "num_res_blocks": 1,
        "downscale_factor": 16,
        "adapter_type": "full_adapter_xl",
    },
}
PIPELINES: dict[tuple[str, str], Any] = {
    ("sd15", "ControlNet"): StableDiffusionControlNetPipeline,
    ("sdxl", "ControlNet"): StableDiffusionXLControlNetPipeline,
    ("sd15", "T2I-Adapter"): StableDiffusionAdapterPipeline,
    ("sdxl", "T2I-Adapter"): StableDiffusionXLAdapterPipeline,
}


@dataclass(frozen=True)
class Steered:
    """A base with a network beside it and two pictures to hold to."""

    base: Base
    network: ControlNetwork
    renderer: Renderer
    pictures: tuple[str, str]
    sketch: np.ndarray

    def recipe(self, weight: float = 1.0, place: int = 0, end: float = 1.0, **changes: object) -> Recipe:
        held = Control(
            kind=ControlKind.LINE, name="l", network=self.network.hash, picture=self.pictures[place],
            weight=weight, end=end,
        )  # fmt: skip
        return recipe(self.base, **({"controls": (held,), "steps": 2} | changes))

    def drawn(self, recipes: list[Recipe], batch: int = 6) -> list[Pixels]:
        self.renderer.batch = batch
        found = {picture.index: picture.pixels for picture in self.renderer.render(recipes)}
        return [found[index] for index in range(len(recipes))]


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("bases")
    return {
        "sd15": write_tiny_base(place / "sd15", channels=(32, 64, 64)),
        "sdxl": write_tiny_sdxl(place / "sdxl", channels=(32, 48, 48)),
    }


@pytest.fixture(scope="module")
def steered(request, folders, tmp_path_factory) -> Steered:
    folder = folders[request.param.split()[0]]
    base = family_of(folder).describe(folder, "tiny")
    place = tmp_path_factory.mktemp("network")
    if request.param in ADAPTERS:
        made = write_random_adapter(place / "n", **ADAPTERS[request.param])
    else:
        made = write_random_control(base, place / "n")
    door = steerable(base.family)
    network = door.describe_control(made)
    door.check_control(base, network)
    sketch = np.repeat(((photo(seed=2) > 120) * 255).astype(np.uint8)[:, :, :1], 3, axis=2)
    files = dict([write_picture(place / "a.png", sketch), write_picture(place / "b.png", 255 - sketch)])
    renderer = Renderer(base, {}, materials=Materials(files, {network.hash: network}))
    return Steered(base, network, renderer, (*files,), sketch)


@pytest.mark.parametrize("steered", KINDS, indirect=True)
def test_diffusers_pipeline_draws_the_same_picture(steered):
    wanted = steered.recipe(
        0.7, sampler=Sampler.EULER, schedule=Schedule.NORMAL, negative_prompt="beard", steps=4
    )
    (ours,) = steered.drawn([wanted])
    (plain,) = steered.drawn([recipe(steered.base, **{**wanted.as_json(), "controls": ()})])
    adapter = steered.network.kind == "T2I-Adapter"
    given = {
        "adapter" if adapter else "controlnet": (T2IAdapter if adapter else ControlNetModel).from_pretrained(
            steered.network.folder, local_files_only=True
        )
    }
    checkers = {"safety_checker": None} if steered.base.family == "sd15" else {"add_watermarker": False}
    kind = PIPELINES[steered.base.family, steered.network.kind]
    pipeline = kind.from_pretrained(steered.base.folder, **given, **checkers, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    shape = (1, pipeline.unet.config.in_channels, 8, 8)
    sketch = Image.fromarray(steered.sketch)
    if adapter and given["adapter"].config.in_channels == 1:
        sketch = sketch.convert("L")
    with quiet_numpy(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the adapter's pipeline calls what diffusers itself calls outdated
        theirs = pipeline(
            wanted.prompt,
            negative_prompt=wanted.negative_prompt,
            image=sketch,
            num_inference_steps=wanted.steps,
            guidance_scale=wanted.cfg,
            latents=torch.randn(shape, generator=torch.Generator().manual_seed(wanted.seed)),
            height=64,
            width=64,
            output_type="np",
            **{"adapter_conditioning_scale" if adapter else "controlnet_conditioning_scale": 0.7},
        ).images[0]
    assert np.abs(np.rint(theirs * 255) - ours).mean() <= 0.1
    assert np.abs(plain.astype(np.float64) - ours).mean() > 1.5, "or this would not mean much"


@pytest.mark.parametrize("steered", ["sdxl ControlNet", "sd15 light grey", "sdxl adapter"], indirect=True)
def test_the_bits_hold_whatever_the_batch_and_weight_nothing_is_nothing(steered):
    recipes = [
        steered.recipe(1.0),
        steered.recipe(0.4, place=1, seed=2, cfg=5.0),
        steered.recipe(0.0, seed=3),
        steered.recipe(1.0, end=0.5, seed=4),
    ]
    alone = [pixel_hash(one) for one in steered.drawn(recipes, batch=1)]
    assert len(set(alone)) == len(recipes)
    assert [pixel_hash(one) for one in steered.drawn(recipes, batch=4)] == alone
    assert [pixel_hash(one) for one in steered.drawn(recipes[::-1], batch=3)] == alone[::-1]
    (plain,) = steered.drawn([recipe(steered.base, seed=3, steps=2)])
    assert pixel_hash(plain) == alone[2]


@pytest.mark.parametrize("steered", ["sdxl ControlNet", "sd15 full"], indirect=True)
def test_a_draft_is_near_to_proof_and_a_hires_pass_is_held_too(steered):
    proof = steered.recipe(0.8, hires=Hires(width=96, height=96, steps=2, denoise=0.6))
    draft = proof.model_copy(update={"numerics": Numerics(lane=Lane.DRAFT)})
    one, other = steered.drawn([proof, draft])
    assert one.shape == (96, 96, 3)
    assert compare(one, other).psnr > 40


@pytest.mark.parametrize("steered", ["sd15 full"], indirect=True)
def test_two_networks_add_up(steered):
    half = steered.recipe(0.5)
    twice = half.model_copy(update={"controls": half.controls * 2})
    both, whole = steered.drawn([twice, steered.recipe(1.0)])
    assert compare(both, whole).psnr > 40


@pytest.mark.parametrize("steered", ["sd15 full", "sdxl adapter"], indirect=True)
def test_a_size_that_an_adapter_cannot_see_is_refused_before_anything_is_computed(steered):
    wanted = steered.recipe(width=72)
    if steered.network.multiple == 8:
        assert steered.drawn([wanted])[0].shape == (64, 72, 3)
    else:
        with pytest.raises(InputError, match="blocks of 16 pixels"):
            steered.renderer.render([wanted])
