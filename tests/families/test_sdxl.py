"""Stable Diffusion XL, held to the contract; and what is particular to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from pydantic import ValidationError
from tests.families.conformance import ROUNDING, START, Conformance, Specimen
from tests.support.recipes import recipe as plain_recipe
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.domain.recipe import Recipe, Sampler, Schedule
from duktus.domain.style import Targets
from duktus.families.registry import check_refiner, family
from duktus.families.samplers import quiet_numpy
from duktus.rendering import Materials
from duktus.rendering.renderer import Renderer

SDXL = family("sdxl")


class TestSdxl(Conformance):
    family = "sdxl"
    specimens: ClassVar = {
        "base": Specimen(write_tiny_sdxl, targets=(*Specimen.targets, Targets.STYLE_BLOCKS))
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_sdxl(tmp_path_factory.mktemp("sdxl") / "base")


@pytest.fixture(scope="module")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_sdxl(tmp_path_factory.mktemp("sdxl") / "refiner", refiner=True)


def edited(folder: Path, to: Path, name: str, **changes: object) -> Path:
    """A copy of a base with other values in one configuration."""
    shutil.copytree(folder, to)
    path = to / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return to


def test_the_refiner_is_recognised_renders_and_is_not_for_teaching(refiner: Path) -> None:
    base = SDXL.describe(refiner, "refiner")
    assert base.role is Role.RENDER_ONLY
    assert "refiner" in SDXL.role_words(base.role)
    loaded = SDXL.load(base)
    noisy = torch.randn(2, *loaded.latent_shape(64, 64))
    with torch.no_grad():
        answer = loaded.predict(noisy, torch.tensor([500]), loaded.encode_text(["a woman", "a man"]))
    assert answer.shape == noisy.shape
    with pytest.raises(InputError, match=r"cannot be taught on.*refiner"):
        SDXL.describe(refiner, "refiner", role=Role.TEACH_AND_RENDER)


def test_the_size_of_the_picture_is_told_to_the_network(plain: Path) -> None:
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    text = loaded.encode_text(["a woman"])
    told: list[torch.Tensor] = []
    unet = loaded.denoiser
    unet.add_embedding.register_forward_pre_hook(lambda _, inputs: told.append(inputs[0]))
    with torch.no_grad():
        for width, height in ((64, 64), (128, 64)):
            loaded.predict(torch.zeros(1, *loaded.latent_shape(width, height)), torch.tensor([500]), text)
        wanted = unet.add_time_proj(torch.tensor([64.0, 128, 0, 0, 64, 128])).flatten()
    assert torch.equal(told[1][0, -wanted.numel() :], wanted)
    assert not torch.equal(told[0], told[1])


def test_every_linear_of_sdxl_is_counted_as_other_programs_count_it(plain: Path) -> None:
    """Eight attention matrices and two of the feed-forward in each transformer block: 700 in full size."""
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    blocks = [name for name, _ in loaded.denoiser.named_modules() if name.endswith(".attn2")]
    assert len(loaded.target_modules(Targets.ATTENTION_FEED_FORWARD)) == 10 * len(blocks)


def test_the_style_blocks_are_the_attention_of_one_transformer(plain: Path) -> None:
    """Those of B-LoRA (arXiv 2403.14572); here two blocks of it, ten in full size."""
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    block = "up_blocks.0.attentions.1.transformer_blocks"
    matrices = ("to_q", "to_k", "to_v", "to_out.0")
    assert list(loaded.target_modules(Targets.STYLE_BLOCKS)) == [
        f"{block}.{number}.{attention}.{matrix}"
        for number in (0, 1)
        for attention in ("attn1", "attn2")
        for matrix in matrices
    ]


@pytest.mark.parametrize(
    ("noise", "role"),
    [
        ({}, Role.TEACH_AND_RENDER),
        ({"_class_name": "LCMScheduler"}, Role.RENDER_ONLY),
        (
            {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"},
            Role.RENDER_ONLY,
        ),
    ],
)
def test_the_role_follows_from_scheduler_facts(
    plain: Path, tmp_path: Path, noise: dict[str, object], role: Role
) -> None:
    folder = edited(plain, tmp_path / "b", "scheduler/scheduler_config.json", **noise)
    assert SDXL.describe(folder, "m").role is role


def test_where_the_files_do_not_tell_the_role_is_asked_for(plain: Path, tmp_path: Path) -> None:
    folder = edited(plain, tmp_path / "b", "scheduler/scheduler_config.json", timestep_spacing="trailing")
    with pytest.raises(InputError, match=r"cannot be told from its files.*--role"):
        SDXL.describe(folder, "m")
    assert SDXL.describe(folder, "m", role=Role.TEACH_AND_RENDER).role is Role.TEACH_AND_RENDER
    assert SDXL.describe(folder, "m", role=Role.RENDER_ONLY).role is Role.RENDER_ONLY


def test_another_autoencoder_is_refused(plain: Path, tmp_path: Path) -> None:
    folder = edited(plain, tmp_path / "a", "vae/config.json", scaling_factor=0.18215)
    with pytest.raises(InputError, match=r"that of Stable Diffusion 1\.x"):
        SDXL.describe(folder, "m")
    folder = edited(plain, tmp_path / "b", "vae/config.json", latent_channels=16)
    with pytest.raises(InputError, match="takes 4 channels, the VAE makes 16"):
        SDXL.describe(folder, "m")


def test_missing_and_foreign_text_encoders_are_named(plain: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(plain, tmp_path / "a"))
    shutil.rmtree(folder / "text_encoder")
    with pytest.raises(InputError, match=r"text encoder text_encoder/config\.json is missing"):
        SDXL.describe(folder, "m")
    folder = edited(plain, tmp_path / "b", "text_encoder/config.json", hidden_size=64)
    with pytest.raises(InputError, match="give 112 numbers a token, the U-Net takes 80"):
        SDXL.describe(folder, "m")


def test_words_with_brackets_weigh_and_plain_ones_keep_their_bits(plain: Path) -> None:
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    texts = ["a woman", "a (woman:1.4)"]
    weighed = loaded.encode_weighted(texts)
    assert torch.equal(loaded.encode_text(texts[:1]).hidden, weighed.hidden[:1])
    assert not torch.allclose(weighed.hidden[0], weighed.hidden[1], atol=1e-3)


# The refiner takes over ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(plain: Path, refiner: Path) -> tuple[Base, Base]:
    return SDXL.describe(plain, "m"), SDXL.describe(refiner, "refiner")


def finished_by(both: tuple[Base, Base], **changes: object) -> Recipe:
    base, second = both
    asked: dict[str, object] = {
        "refine": {"name": second.name, "weights": second.weights, "at": 0.6},
        "negative_prompt": "beard",
        "sampler": Sampler.EULER,
        "schedule": Schedule.NORMAL,
        "steps": 5,
        "seed": START,
    }
    return plain_recipe(base, **(asked | changes))


def drawn(both: tuple[Base, Base], recipes: list[Recipe], batch: int = 4) -> list[np.ndarray]:
    base, second = both
    materials = Materials(refiners={second.weights: second})
    pictures = Renderer(base, {}, batch=batch, materials=materials).render(recipes)
    return [one.pixels for one in sorted(pictures, key=lambda one: one.index)]


def test_base_and_refiner_draw_as_diffusers_does(both: tuple[Base, Base], plain: Path, refiner: Path) -> None:
    """``denoising_end`` and ``denoising_start`` of its two pipelines, at the same share."""
    first = StableDiffusionXLPipeline.from_pretrained(plain, local_files_only=True)
    second = StableDiffusionXLImg2ImgPipeline.from_pretrained(refiner, local_files_only=True)
    for at in (0.6, 0.8):
        one = finished_by(both, refine={"name": "r", "weights": both[1].weights, "at": at})
        begun = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(START))
        asked = {
            "prompt": one.prompt,
            "negative_prompt": one.negative_prompt,
            "num_inference_steps": one.steps,
            "guidance_scale": one.cfg,
        }
        for pipe in (first, second):
            pipe.set_progress_bar_config(disable=True)
            pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
        with quiet_numpy():
            latents = first(
                **asked, latents=begun, height=64, width=64, denoising_end=at, output_type="latent"
            ).images
            theirs = second(
                **asked,
                image=latents,
                denoising_start=at,
                aesthetic_score=6.0,
                negative_aesthetic_score=6.0,
                original_size=(64, 64),
                target_size=(64, 64),
                output_type="np",
            ).images[0]
        (ours,) = drawn(both, [one])
        assert np.abs(theirs * 255 - ours).mean() <= ROUNDING, at


def test_a_refined_picture_keeps_its_bits_beside_others_and_differs_from_the_plain_one(
    both: tuple[Base, Base],
) -> None:
    """Also with a sampler that draws noise on the way: the second part draws on where the first stopped."""
    recipes = [
        finished_by(both, sampler=Sampler.EULER_A),
        finished_by(both, sampler=Sampler.EULER_A, seed=START + 1),
        finished_by(both, sampler=Sampler.EULER_A, refine=None),
    ]
    together = drawn(both, recipes)
    for one, pixels in zip(recipes, together, strict=True):
        assert np.array_equal(drawn(both, [one], batch=1)[0], pixels)
    assert not np.array_equal(together[0], together[1])
    assert not np.array_equal(together[0], together[2])


def test_two_halves_on_one_base_are_the_whole(plain: Path) -> None:
    """With itself as refiner nothing is seen of the hand-over, stochastic sampler included."""
    base = SDXL.describe(plain, "m")
    itself = {"name": "m", "weights": base.weights, "at": 0.5}
    asked = plain_recipe(base, sampler=Sampler.EULER_A, schedule=Schedule.NORMAL, steps=6, refine=itself)
    whole, halves = drawn((base, base), [asked.model_copy(update={"refine": None}), asked])
    assert np.array_equal(whole, halves)


def test_what_cannot_take_over_is_refused(both: tuple[Base, Base], plain: Path, tmp_path: Path) -> None:
    base, second = both
    with pytest.raises(MismatchError, match="is a refiner itself"):
        check_refiner(second, base)
    other = edited(plain, tmp_path / "b", "scheduler/scheduler_config.json", beta_end=0.02)
    with pytest.raises(MismatchError, match="noise levels differ: beta_end"):
        check_refiner(base, SDXL.describe(other, "other"))
    with pytest.raises(NotFoundError, match="refiner refiner of recipe"):
        Renderer(base, {}).render([finished_by(both)])
    for changes, why in (
        ({"steps": 1}, "at least one step"),
        ({"sampler": Sampler.HEUN}, "Heun"),
        ({"hires": {"width": 128, "height": 128, "steps": 2, "denoise": 0.5}}, "in one pass"),
    ):
        with pytest.raises(ValidationError, match=why):
            finished_by(both, **changes)
