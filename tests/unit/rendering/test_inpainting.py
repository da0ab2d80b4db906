"""A base for inpainting paints within pictures as diffusers' pipeline does, and does nothing else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLInpaintPipeline,
)
from PIL import Image
from tests.support.beginnings import photo, write_picture, write_random_control
from tests.support.recipes import recipe
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Base, Role
from duktus.domain.beginning import Control, ControlKind, Extend, Mask, Source
from duktus.domain.errors import InputError
from duktus.domain.recipe import Lane, Numerics, Recipe, Sampler, Schedule
from duktus.families.registry import family, family_of, steerable
from duktus.families.samplers import quiet_numpy
from duktus.rendering.compare import Pixels, compare, pixel_hash
from duktus.rendering.renderer import Materials, Renderer
from duktus.training.preflight import check_role

HALF = np.zeros((64, 64), np.uint8)
HALF[:, 24:] = 255
OTHER = np.zeros((64, 64), np.uint8)
OTHER[8:40, 8:40] = 255


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Base:
    folder = write_tiny_base(
        tmp_path_factory.mktemp("inpainting"), channels=(32, 48), latent_channels=4, inpainting=True
    )
    return family_of(folder).describe(folder, "within")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    named = {"one": photo(), "two": photo(seed=1), "half": HALF, "other": OTHER, "lines": photo(seed=2)}
    return dict(write_picture(folder / f"{name}.png", pixels) for name, pixels in named.items())


@pytest.fixture(scope="module")
def names(files) -> dict[str, str]:
    return {path.stem: key for key, path in files.items()}


@pytest.fixture(scope="module")
def network(base, tmp_path_factory):
    """A ControlNet of the plain edition: it sees the latents alone."""
    folder = write_tiny_base(tmp_path_factory.mktemp("plain"), channels=(32, 48), latent_channels=4)
    plain = family_of(folder).describe(folder, "plain")
    found = steerable("sd15").describe_control(write_random_control(plain, folder / "control"))
    steerable("sd15").check_control(base, found)
    return found


@pytest.fixture(scope="module")
def renderer(base, files, network) -> Renderer:
    return Renderer(base, {}, materials=Materials(files, {network.hash: network}))


def drawn(renderer: Renderer, recipes: list[Recipe], batch: int = 6) -> list[Pixels]:
    renderer.batch = batch
    found = {picture.index: picture.pixels for picture in renderer.render(recipes)}
    return [found[index] for index in range(len(recipes))]


def painted(base, names, mask="half", picture="one", denoise=1.0, **changes) -> Recipe:
    begun = {"source": Source(picture=names[picture], denoise=denoise), "mask": Mask(picture=names[mask])}
    return recipe(base, **({"steps": 2} | begun | changes))


def test_it_is_a_base_of_its_own_kind_told_by_its_shapes(base):
    assert base.role is Role.INPAINTING
    assert base.role.value == "inpainting"
    assert "inpainting" in family("sd15").role_words(base.role)
    with pytest.raises(InputError, match=r"Nothing can be taught on within\. It is for inpainting"):
        check_role(base)
    for asked in (Role.TEACH_AND_RENDER, Role.RENDER_ONLY):
        with pytest.raises(InputError, match="is a base for inpainting"):
            family("sd15").describe(base.folder, "x", role=asked)


def test_a_plain_base_cannot_be_called_one_for_inpainting(tmp_path):
    folder = write_tiny_base(tmp_path / "plain", channels=(32, 48), latent_channels=4)
    with pytest.raises(InputError, match="is not a base for inpainting"):
        family("sd15").describe(folder, "x", role=Role.INPAINTING)


def test_what_it_cannot_do_is_refused(base, names, renderer):
    for wanted in (
        recipe(base),
        recipe(base, source=Source(picture=names["one"], denoise=0.5)),
        recipe(base, source=Source(picture=names["one"], denoise=0.5, extend=Extend())),
    ):
        with pytest.raises(InputError, match="only paints within pictures"):
            renderer.render([wanted])


@pytest.mark.parametrize(
    ("write", "kind", "without"),
    [
        (
            partial(write_tiny_base, channels=(32, 48), latent_channels=4),
            StableDiffusionInpaintPipeline,
            {"safety_checker": None},
        ),
        (write_tiny_sdxl, StableDiffusionXLInpaintPipeline, {"add_watermarker": False}),
    ],
)
def test_diffusers_pipeline_paints_the_same(tmp_path, files, names, write, kind, without):  # noqa: PLR0917
    folder = write(tmp_path / "within", inpainting=True)
    base = family_of(folder).describe(folder, "within")
    assert base.role is Role.INPAINTING
    renderer = Renderer(base, {}, materials=Materials(files))
    wanted = painted(
        base, names, sampler=Sampler.EULER, schedule=Schedule.NORMAL, steps=4, negative_prompt="beard"
    )
    ours, elsewhere = drawn(
        renderer, [wanted, wanted.model_copy(update={"source": Source(picture=names["two"], denoise=1.0)})]
    )
    pipeline = kind.from_pretrained(folder, **without, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    closed = torch.from_numpy(HALF < 128)
    pixels = torch.from_numpy(photo()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        left = pipeline.vae.encode(pixels * closed).latent_dist.mean * pipeline.vae.config.scaling_factor
    with quiet_numpy():
        theirs = pipeline(
            wanted.prompt,
            negative_prompt=wanted.negative_prompt,
            image=Image.fromarray(photo()),
            mask_image=Image.fromarray(HALF),
            masked_image_latents=left,  # it would draw a sample of them; we take the mean
            strength=1.0,
            num_inference_steps=wanted.steps,
            guidance_scale=wanted.cfg,
            latents=torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(wanted.seed)),
            height=64,
            width=64,
            output_type="np",
        ).images[0]
    distance = np.abs(np.rint(theirs * 255) - ours)
    assert distance[:, 24:].mean() <= 0.1
    assert np.array_equal(ours[:, :24], photo()[:, :24]), "what the mask closes comes back exactly"
    assert np.abs(ours[:, 24:].astype(int) - elsewhere[:, 24:]).mean() > 0.3, "it sees what the mask leaves"


def test_the_bits_hold_whatever_the_batch(base, names, network, renderer):
    held = Control(kind=ControlKind.LINE, name="l", network=network.hash, picture=names["lines"], weight=0.6)
    ways = [
        {}, {"mask": "other", "seed": 2}, {"picture": "two", "seed": 3, "cfg": 5.0},
        {"denoise": 0.5}, {"denoise": 0.5, "seed": 2}, {"cfg": 1.0},
        {"controls": (held,)}, {"controls": (held.model_copy(update={"weight": 0.0}),), "seed": 5},
    ]  # fmt: skip
    recipes = [painted(base, names, **way) for way in ways]
    grown = Source(picture=names["one"], denoise=1.0, extend=Extend(right=32))
    recipes.append(recipe(base, steps=2, width=96, source=grown))
    alone = [pixel_hash(one) for one in drawn(renderer, recipes, batch=1)]
    assert len(set(alone)) == len(recipes)
    assert [pixel_hash(one) for one in drawn(renderer, recipes, batch=4)] == alone
    assert [pixel_hash(one) for one in drawn(renderer, recipes[::-1], batch=3)] == alone[::-1]


def test_a_draft_is_near_to_proof(base, names, renderer):
    proof = painted(base, names)
    draft = proof.model_copy(update={"numerics": Numerics(lane=Lane.DRAFT)})
    one, other = drawn(renderer, [proof, draft])
    assert compare(one, other).psnr > 40
