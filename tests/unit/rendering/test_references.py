"""Reference pictures through IP-Adapters on tiny bases: diffusers' own pipelines draw the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from PIL import Image
from tests.support.beginnings import photo, write_picture
from tests.support.recipes import recipe
from tests.support.references import write_random_encoder, write_random_reference
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Base
from duktus.domain.beginning import Hires, Reference
from duktus.domain.errors import NotFoundError
from duktus.domain.recipe import Lane, Numerics, Recipe, Sampler, Schedule
from duktus.families.reference import ReferenceNetwork
from duktus.families.registry import family_of, referring
from duktus.families.samplers import quiet_numpy
from duktus.rendering.compare import Pixels, compare, pixel_hash
from duktus.rendering.renderer import Materials, Renderer

WRITERS = {"sd15": write_tiny_base, "sdxl": write_tiny_sdxl}
PIPELINES: dict[str, Any] = {"sd15": StableDiffusionPipeline, "sdxl": StableDiffusionXLPipeline}


@dataclass(frozen=True)
class Referred:
    """A base with an IP-Adapter beside it, and two pictures to look at."""

    base: Base
    network: ReferenceNetwork
    renderer: Renderer
    pictures: tuple[str, str]

    def recipe(self, weight: float = 1.0, place: int = 0, **changes: object) -> Recipe:
        one = Reference(name="r", network=self.network.hash, picture=self.pictures[place], weight=weight)
        return recipe(self.base, **({"references": (one,), "steps": 2} | changes))

    def drawn(self, recipes: list[Recipe], batch: int = 6) -> list[Pixels]:
        self.renderer.batch = batch
        found = {picture.index: picture.pixels for picture in self.renderer.render(recipes)}
        return [found[index] for index in range(len(recipes))]


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> dict[str, Base]:
    place = tmp_path_factory.mktemp("bases")
    folders = {name: write(place / name) for name, write in WRITERS.items()}
    return {name: family_of(folder).describe(folder, "tiny") for name, folder in folders.items()}


@pytest.fixture(scope="module")
def referred(request, bases, tmp_path_factory) -> Referred:
    family, kind = request.param.split()
    place = tmp_path_factory.mktemp("network")
    file = write_random_reference(bases[family], place / "ip.safetensors", plus=kind == "plus")
    door = referring(family)
    network = door.describe_reference(file, write_random_encoder(place / "image_encoder"))
    door.check_reference(bases[family], network)
    files = dict(write_picture(place / f"{seed}.png", photo(80, 60, seed=seed)) for seed in (3, 4))
    materials = Materials(files, references={network.hash: network})
    return Referred(bases[family], network, Renderer(bases[family], {}, materials=materials), (*files,))


@pytest.mark.parametrize("referred", ["sd15 plain", "sd15 plus", "sdxl plain", "sdxl plus"], indirect=True)
def test_diffusers_pipeline_draws_the_same_picture(referred):
    wanted = referred.recipe(
        0.6, sampler=Sampler.EULER, schedule=Schedule.NORMAL, negative_prompt="beard", steps=4
    )
    ours, plain = referred.drawn([wanted, wanted.model_copy(update={"references": ()})])
    without = {"safety_checker": None} if referred.base.family == "sd15" else {"add_watermarker": False}
    pipeline = PIPELINES[referred.base.family].from_pretrained(
        referred.base.folder, **without, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    pipeline.load_ip_adapter(
        referred.network.file.parent, subfolder="", weight_name=referred.network.file.name,
        local_files_only=True, low_cpu_mem_usage=False,
    )  # fmt: skip
    pipeline.set_ip_adapter_scale(0.6)
    shape = (1, pipeline.unet.config.in_channels, 8, 8)
    with quiet_numpy():
        theirs = pipeline(
            wanted.prompt,
            negative_prompt=wanted.negative_prompt,
            ip_adapter_image=Image.fromarray(photo(80, 60, seed=3)),
            num_inference_steps=wanted.steps,
            guidance_scale=wanted.cfg,
            latents=torch.randn(shape, generator=torch.Generator().manual_seed(wanted.seed)),
            height=64,
            width=64,
            output_type="np",
        ).images[0]
    assert np.abs(np.rint(theirs * 255) - ours).mean() <= 0.1
    assert np.abs(plain.astype(np.float64) - ours).mean() > 1.5, "or this would not mean much"


@pytest.mark.parametrize("referred", ["sd15 plus", "sdxl plain"], indirect=True)
def test_the_bits_hold_whatever_the_batch_and_weight_nothing_is_no_reference(referred):
    recipes = [
        referred.recipe(1.0),
        referred.recipe(0.4, place=1, seed=2, cfg=5.0),
        referred.recipe(0.0, seed=3),
        referred.recipe(1.5, seed=4, prompt="a man"),
    ]
    alone = [pixel_hash(one) for one in referred.drawn(recipes, batch=1)]
    assert len(set(alone)) == len(recipes)
    assert [pixel_hash(one) for one in referred.drawn(recipes, batch=4)] == alone
    assert [pixel_hash(one) for one in referred.drawn(recipes[::-1], batch=3)] == alone[::-1]
    (plain,) = referred.drawn([recipe(referred.base, seed=3, steps=2)])
    assert pixel_hash(plain) == alone[2]
    (fresh,) = Renderer(referred.base, {}).render([recipe(referred.base, seed=3, steps=2)])
    assert pixel_hash(fresh.pixels) == alone[2], "a renderer that never saw a reference gives those bits"


@pytest.mark.parametrize("referred", ["sd15 plus"], indirect=True)
def test_two_references_are_both_seen_also_without_cfg_in_a_draft_and_in_a_hires_pass(referred):
    first, other = referred.recipe(0.7), referred.recipe(0.7, place=1)
    both = first.model_copy(update={"references": first.references + other.references})
    of_each, of_both = referred.drawn([first, other]), referred.drawn([both])
    assert not any(compare(one, of_both[0]).identical for one in of_each)
    proof = referred.recipe(0.7, cfg=1.0, hires=Hires(width=96, height=96, steps=2, denoise=0.6))
    draft = proof.model_copy(update={"numerics": Numerics(lane=Lane.DRAFT)})
    one, near = referred.drawn([proof, draft])
    assert compare(one, near).psnr > 40


@pytest.mark.parametrize("referred", ["sd15 plus"], indirect=True)
def test_a_network_that_is_not_given_is_named(referred):
    bare = Renderer(referred.base, {}, materials=Materials(dict.fromkeys(referred.pictures, Path("x"))))
    with pytest.raises(NotFoundError, match="reference network r"):
        bare.render([referred.recipe()])
