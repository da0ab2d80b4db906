"""What every family has to keep, checked on small random weights of its true architecture.

A family's test file names its specimens and nothing else::

    class TestSdxl(Conformance):
        family = "sdxl"
        specimens = {"base": Specimen(write_tiny_sdxl)}

What is particular to a family (its configs, its file names, its errors) stays in tests of its own.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForImage2Image, DiffusionPipeline, EulerDiscreteScheduler
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image
from tests.support.beginnings import Source
from tests.support.forged_hashes import Asking
from tests.support.recipes import recipe as plain_recipe
from tests.support.recipes import styled, write_random_style

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Numerics, Recipe, Sampler, Schedule
from duktus.domain.style import Targets, TeachSettings
from duktus.families import lora
from duktus.families.family import LoadedBase
from duktus.families.holding import STOCK, Holding
from duktus.families.registry import FAMILIES, family_of
from duktus.families.samplers import quiet_numpy
from duktus.rendering.compare import compare
from duktus.rendering.denoise import Batch, denoise
from duktus.rendering.renderer import Renderer
from duktus.training import Paused, Taught, TrainingSet
from duktus.training.cache import build_cache
from duktus.training.loop import Trainer
from duktus.training.teach import teach

TEXTS = ("portrait of a woman with red hair", "a man, pencil sketch", "")
ROUNDING = 0.6
"""Mean difference of a channel (0 to 255) that rounding to whole numbers explains."""
START = 5
"""Seed of the noise that diffusers' pipeline and our renderer both begin with."""


@dataclass(frozen=True)
class Specimen:
    """One small base and how it is rendered. ``write`` makes its diffusers folder and returns it."""

    write: Callable[[Path], Path]
    size: int = 64
    """Pixels; small, but more than one latent pixel at the deepest level."""
    sampler: Sampler = Sampler.EULER
    schedule: Schedule = Schedule.NORMAL
    cfg: float = 3.0
    steps: int = 4
    learning_rate: float = 1e-3
    targets: tuple[Targets, ...] = (Targets.ATTENTION_FEED_FORWARD, Targets.ATTENTION_FEED_FORWARD_CONV)
    """What the diffusers loader is tried with; those that the family has."""
    role: Role = Role.TEACH_AND_RENDER


class Conformance:
    """The suite. Fixtures stand in ``conftest.py`` beside this file."""

    family: ClassVar[str]
    specimens: ClassVar[Mapping[str, Specimen]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Every test runs on every specimen."""
        if "specimen" in metafunc.fixturenames:
            specimens = [*self.specimens.values()]
            metafunc.parametrize("specimen", specimens, ids=[*self.specimens], scope="class")

    # What a family may have to say otherwise -----------------------------------------------------------

    def pipeline(self, folder: Path) -> Any:
        """The folder in diffusers' own pipeline, with the sampler of the specimen's recipes."""
        pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True).to(torch.float32)
        pipe.set_progress_bar_config(disable=True)
        pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
        return pipe

    def drawn_by(self, pipe: Any, recipe: Recipe, start: torch.Tensor) -> np.ndarray:
        """The recipe's picture as diffusers' pipeline draws it: (height, width, 3) in 0..255."""
        size = {"height": recipe.height, "width": recipe.width}
        return pipe(**self.asked_of(recipe), **size, latents=start, output_type="np").images[0] * 255

    def asked_of(self, recipe: Recipe) -> dict[str, Any]:
        """What diffusers' pipelines of this family are asked for."""
        return {
            "prompt": recipe.prompt,
            "negative_prompt": recipe.negative_prompt,
            "num_inference_steps": recipe.steps,
            "guidance_scale": recipe.cfg,
        }

    def latents_of(self, pipe: Any, pixels: torch.Tensor) -> torch.Tensor:
        """What diffusers makes of (n, 3, h, w) pixels for the denoiser to see."""
        vae = pipe.vae
        known = vae.encode(pixels).latent_dist.mean
        return (known - (getattr(vae.config, "shift_factor", None) or 0)) * vae.config.scaling_factor

    def over_another(self, pipe: Any) -> Any:
        """Diffusers' pipeline that draws over another picture."""
        return AutoPipelineForImage2Image.from_pipe(pipe)

    def denoiser_of(self, pipe: Any) -> torch.nn.Module:
        """The network that a style is taught on, in diffusers' pipeline."""
        return pipe.unet if hasattr(pipe, "unet") else pipe.transformer

    # Recognising and loading ---------------------------------------------------------------------------

    def test_this_family_alone_recognises_it(self, folder: Path) -> None:
        assert [one.name for one in FAMILIES.values() if one.recognises(folder)] == [self.family]
        assert family_of(folder) is FAMILIES[self.family]

    def test_the_role_comes_from_the_folder_and_in_words(self, base: Base, specimen: Specimen) -> None:
        assert base.role is specimen.role
        assert base.family == self.family
        assert all(FAMILIES[self.family].role_words(role) for role in Role)

    def test_a_damaged_or_missing_file_is_named(self, folder: Path, tmp_path: Path) -> None:
        """And nothing is described half: every weights file, one after the other."""
        copied = Path(shutil.copytree(folder, tmp_path / "base"))
        family = FAMILIES[self.family]
        for path in sorted(copied.rglob("*.safetensors")):
            whole = path.read_bytes()
            path.write_bytes(whole[:-8])
            with pytest.raises(InputError, match=path.name):
                family.describe(copied, "m")
            path.unlink()
            with pytest.raises(InputError, match=path.parent.name):
                family.describe(copied, "m")
            path.write_bytes(whole)
        assert family.describe(copied, "m").weights == family.describe(folder, "m").weights

    def test_its_weights_hash_to_what_is_remembered_of_them(self, folder: Path) -> None:
        """Whoever describes it chooses between what is remembered and every byte."""
        asking = Asking()
        family = FAMILIES[self.family]
        described = family.describe(folder, "m", hashes=asking)
        assert set(folder.rglob("*.safetensors")) <= set(asking.asked)
        assert described.weights == family.describe(folder, "m").weights

    # Text and pictures ---------------------------------------------------------------------------------

    def test_a_text_is_encoded_alike_whatever_it_is_encoded_with(
        self, base: Base, loaded: LoadedBase, specimen: Specimen
    ) -> None:
        noisy = torch.randn((1, *loaded.latent_shape(specimen.size, specimen.size)))
        time = loaded.probe_timesteps(3)[1:2]
        together = loaded.encode_text(TEXTS)
        fresh = FAMILIES[self.family].load(base)
        answers = []
        with torch.no_grad():
            for place, text in enumerate(TEXTS):
                one = loaded.predict(noisy, time, together.rows([place]))
                assert torch.equal(one, loaded.predict(noisy, time, fresh.encode_text([text])))
                answers.append(one)
        assert not torch.allclose(answers[0], answers[1], atol=1e-4)
        assert not torch.allclose(answers[1], answers[2], atol=1e-4)

    def test_pictures_become_latents_and_pictures_again_one_by_one(
        self, loaded: LoadedBase, specimen: Specimen
    ) -> None:
        size = specimen.size
        pixels = torch.rand((2, 3, size, size), generator=torch.Generator().manual_seed(0)) * 2 - 1
        mean, deviation = loaded.encode_pictures(pixels)
        assert mean.shape == deviation.shape == (2, *loaded.latent_shape(size, size))
        assert bool((deviation > 0).all())
        assert torch.equal(loaded.encode_pictures(pixels[1:])[0][0], mean[1])
        back = loaded.decode(mean)
        assert back.shape == pixels.shape
        assert back.abs().max() <= 1
        assert torch.equal(loaded.decode(mean[1:])[0], back[1])
        assert loaded.latent_to_rgb().shape == (mean.shape[1] + 1, 3)

    def test_latents_are_scaled_as_diffusers_scales_them(
        self, folder: Path, loaded: LoadedBase, specimen: Specimen
    ) -> None:
        pixels = torch.rand((1, 3, specimen.size, specimen.size)) * 2 - 1
        with torch.no_grad():
            known = self.latents_of(self.pipeline(folder), pixels)
        assert torch.allclose(loaded.encode_pictures(pixels)[0], known, atol=1e-5)

    # What is taught is what the sampler asks for -------------------------------------------------------

    def test_a_perfect_denoiser_leads_the_sampler_to_the_picture(
        self, loaded: LoadedBase, specimen: Specimen
    ) -> None:
        """Noise levels, target, timestep convention and sampler fit together: whoever answers the training
        target exactly arrives at the picture exactly.
        """
        shape = loaded.latent_shape(specimen.size, specimen.size)
        picture = torch.randn((1, *shape), generator=torch.Generator().manual_seed(3))
        perfect: Any = copy.copy(loaded)
        zero, one = torch.zeros_like(picture), torch.ones_like(picture)

        def predict(noisy: torch.Tensor, timesteps: torch.Tensor, *_: object) -> torch.Tensor:
            time = timesteps.round().long() if torch.equal(timesteps, timesteps.round()) else timesteps
            share, spread = loaded.add_noise(one, zero, time), loaded.add_noise(zero, one, time)
            return loaded.training_target(picture, (noisy - share * picture) / spread, time)

        perfect.predict = predict
        batch = Batch(
            base=perfect,
            conditioning=loaded.encode_text([""]),
            seeds=(1,),
            cfg=None,
            steps=8,
            sampler=specimen.sampler,
            schedule=specimen.schedule,
            shape=shape,
        )
        *_, last = denoise(batch)
        assert torch.allclose(last.latents, picture, atol=2e-2), (last.latents - picture).abs().max()

    def test_timesteps_are_where_the_family_draws_them(self, loaded: LoadedBase) -> None:
        drawn = loaded.sample_timesteps(256, torch.Generator().manual_seed(0))
        again = loaded.sample_timesteps(256, torch.Generator().manual_seed(0))
        assert torch.equal(drawn, again)
        assert drawn.unique().numel() > 100
        probes = loaded.probe_timesteps(6)
        spread = loaded.add_noise(torch.zeros(6, 1, 1, 1), torch.ones(6, 1, 1, 1), probes).flatten()
        assert bool((spread.diff() > 0).all()), "probes go from low to high noise"

    # Teaching ------------------------------------------------------------------------------------------

    def test_one_step_lowers_the_loss(self, base: Base, lesson: TeachSettings, pictures: TrainingSet) -> None:
        loaded = FAMILIES[self.family].load(base)
        cache = build_cache(loaded, pictures, None, lesson)
        trainer = Trainer(loaded, cache, lesson)
        before = trainer.advance()
        trainer.step = 0
        with torch.no_grad():
            after = next(trainer._losses()).item()
        assert after < before

    def test_small_memory_teaches_the_same(
        self, base: Base, lesson: TeachSettings, pictures: TrainingSet
    ) -> None:
        """Bit for bit with weights that rest away, nearly so with weights in eight bits."""
        losses: list[tuple[float, float]] = []
        for holding in (STOCK, Holding(offload=True), Holding(int8=True)):
            loaded = FAMILIES[self.family].load(base, holding=holding)
            trainer = Trainer(loaded, build_cache(loaded, pictures, None, lesson), lesson)
            losses.append((trainer.advance(), trainer.advance()))
        whole, away, small = losses
        assert away == whole
        assert small == pytest.approx(whole, rel=0.05)

    def test_a_stopped_run_goes_on_bit_for_bit(
        self, base: Base, lesson: TeachSettings, pictures: TrainingSet, taught: Taught, tmp_path: Path
    ) -> None:
        looks: list[int] = []

        def stop() -> bool:
            looks.append(1)
            return len(looks) > 3

        paused = teach(base, pictures, lesson, tmp_path, should_stop=stop)
        assert isinstance(paused, Paused)
        assert paused.step == 3
        resumed = teach(base, pictures, lesson, tmp_path, resume=True)
        assert isinstance(resumed, Taught)
        assert resumed.file.read_bytes() == taught.file.read_bytes()
        assert resumed.curve == taught.curve

    def test_what_was_taught_comes_back_from_the_file(
        self, loaded: LoadedBase, lesson: TeachSettings, taught: Taught
    ) -> None:
        assert taught.facts["export_error"] < 1e-3
        back = FAMILIES[self.family].read_style(taught.file, loaded)
        assert list(back) == list(loaded.target_modules(lesson.targets))
        scale = {round(scale, 6) for _, _, scale in back.values()}
        assert scale in ({lesson.alpha / lesson.rank}, {1.0}), "alpha beside the matrices, or folded in"

    # The file in diffusers -----------------------------------------------------------------------------

    def test_diffusers_loads_every_module_as_taught(
        self, folder: Path, loaded: LoadedBase, specimen: Specimen, tmp_path: Path
    ) -> None:
        """With alpha as large as the rank and half as large; the change of every weight is the taught one."""
        for targets, alpha in itertools.product(specimen.targets, (4.0, 2.0)):
            made = lora.inject(loaded.denoiser, loaded.target_modules(targets), rank=4, alpha=alpha, seed=0)
            made.eject()
            generator = torch.Generator().manual_seed(1)
            tensors = {
                path: (down, torch.randn(up.shape, generator=generator))
                for path, (down, up) in made.tensors().items()
            }
            path = tmp_path / f"{targets.name}-{alpha:g}.safetensors"
            FAMILIES[self.family].write_style(path, tensors, alpha=alpha, metadata={})
            pipe = self.pipeline(folder)
            pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name="s")
            theirs = {
                name: module
                for name, module in self.denoiser_of(pipe).named_modules()
                if "s" in getattr(module, "scaling", {})
            }
            assert set(theirs) == set(tensors), f"{len(theirs)} of {len(tensors)} modules"
            for name, (down, up) in tensors.items():
                module: Any = theirs[name]
                wanted = alpha / 4 * up.flatten(1) @ down.flatten(1)
                got = module.lora_B["s"].weight.flatten(1) @ module.lora_A["s"].weight.flatten(1)
                error = (wanted - module.scaling["s"] * got).norm() / wanted.norm()
                assert error < 1e-3, name

    def test_targets_name_modules_or_are_refused_with_those_there_are(self, loaded: LoadedBase) -> None:
        named: dict[Targets, int] = {}
        refused: dict[Targets, InputError] = {}
        for targets in Targets:
            try:
                named[targets] = len(set(loaded.target_modules(targets)))
            except InputError as error:
                refused[targets] = error
        assert 0 < named[Targets.ATTENTION] < named[Targets.ATTENTION_FEED_FORWARD]
        assert all(named.values())
        for targets, error in refused.items():
            assert f"no modules for the targets '{targets.value}'" in str(error)
            assert error.why
            assert all(known.value in error.next_step for known in named)

    # Rendering -----------------------------------------------------------------------------------------

    def recipe(self, base: Base, specimen: Specimen, **changes: object) -> Recipe:
        """A quick recipe that fits the specimen."""
        asked: dict[str, object] = {
            "cfg": specimen.cfg,
            "sampler": specimen.sampler,
            "schedule": specimen.schedule,
            "steps": specimen.steps,
            "width": specimen.size,
            "height": specimen.size,
            "seed": START,
        }
        return plain_recipe(base, **(asked | changes))

    def test_strength_zero_is_the_base_bit_for_bit_and_batches_hold_their_bits(
        self, base: Base, specimen: Specimen, random_style: tuple[str, Path]
    ) -> None:
        digest, path = random_style
        renderer = Renderer(base, {digest: path}, batch=3)
        alone = self.recipe(base, specimen)
        styles = [self.recipe(base, specimen, adapters=styled(digest, one)) for one in (0.0, 1.0, 0.5)]
        (bare,) = renderer.render([alone])
        together = [picture.pixels for picture in sorted(renderer.render(styles), key=lambda one: one.index)]
        assert compare(bare.pixels, together[0]).identical
        assert not compare(together[0], together[1]).identical
        assert not compare(together[1], together[2]).identical
        for one, pixels in zip(styles, together, strict=True):
            (again,) = Renderer(base, {digest: path}).render([one])
            assert compare(again.pixels, pixels).identical

    def test_prompt_negative_seed_and_cfg_each_change_the_picture(
        self, base: Base, specimen: Specimen
    ) -> None:
        changes: list[dict[str, object]] = [{}, {"prompt": TEXTS[1]}, {"seed": START + 1}]
        if specimen.cfg > 1:
            changes += [{"cfg": specimen.cfg + 2}, {"negative_prompt": "beard"}]
        recipes = [self.recipe(base, specimen, **change) for change in changes]
        pictures = {one.index: one.pixels for one in Renderer(base, {}, batch=5).render(recipes)}
        for place in range(1, len(changes)):
            assert not compare(pictures[0], pictures[place]).identical, changes[place]

    def test_half_precision_loads_and_renders(self, base: Base, specimen: Specimen) -> None:
        one = self.recipe(base, specimen, numerics=Numerics(dtype="bfloat16"), steps=2)
        (picture,) = Renderer(base, {}).render([one])
        assert picture.pixels.std() > 0

    def test_diffusers_draws_the_same_picture(
        self, folder: Path, base: Base, loaded: LoadedBase, specimen: Specimen, random_style: tuple[str, Path]
    ) -> None:
        digest, path = random_style
        pipe = self.pipeline(folder)
        start = torch.randn(
            (1, *loaded.latent_shape(specimen.size, specimen.size)),
            generator=torch.Generator().manual_seed(START),
        )
        bare = self.recipe(base, specimen, negative_prompt="beard" if specimen.cfg > 1 else "")
        recipes = [bare, bare.model_copy(update={"adapters": styled(digest, 0.7)})]
        ours = [one.pixels.astype(np.float64) for one in Renderer(base, {digest: path}).render(recipes)]
        assert np.abs(ours[0] - ours[1]).mean() > 2 * ROUNDING, (
            "the style must be visible for this to mean much"
        )
        with quiet_numpy():
            assert np.abs(self.drawn_by(pipe, bare, start.clone()) - ours[0]).mean() <= ROUNDING
            pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name="s")
            pipe.set_adapters("s", adapter_weights=0.7)
            assert np.abs(self.drawn_by(pipe, bare, start.clone()) - ours[1]).mean() <= ROUNDING

    # Over another picture ------------------------------------------------------------------------------

    def test_diffusers_draws_the_same_over_another_picture(
        self, folder: Path, base: Base, specimen: Specimen, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its pipelines draw a sample of the source's latents where we take the mean; so here do they."""
        monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, *_: self.mode())
        one = self.recipe(base, specimen, source=source.named, negative_prompt="beard")
        (ours,) = Renderer(base, {}, materials=source.materials).render([one])
        pipe = self.over_another(self.pipeline(folder))
        pipe.set_progress_bar_config(disable=True)
        taken = inspect.signature(pipe.__call__).parameters
        size = {"height": one.height, "width": one.width}
        with quiet_numpy():
            theirs = pipe(
                **self.asked_of(one),
                **{name: value for name, value in size.items() if name in taken},
                image=Image.fromarray(source.pixels),
                strength=source.named["denoise"],
                generator=torch.Generator().manual_seed(START),
                output_type="np",
            ).images[0]
        assert np.abs(theirs * 255 - ours.pixels).mean() <= ROUNDING

    def test_a_mask_keeps_what_it_closes_and_batches_hold_their_bits(
        self, base: Base, specimen: Specimen, source: Source
    ) -> None:
        named = dict(source.named, denoise=1.0)
        held = {"source": named, "mask": {"picture": source.mask}}
        recipes = [
            self.recipe(base, specimen, **one) for one in (held, {"source": named}, {**held, "seed": 9})
        ]
        renderer = Renderer(base, {}, batch=3, materials=source.materials)
        together = [one.pixels for one in sorted(renderer.render(recipes), key=lambda one: one.index)]
        half = specimen.size // 2
        assert np.array_equal(together[0][:, :half], source.pixels[:, :half])
        assert not np.array_equal(together[0][:, half:], source.pixels[:, half:])
        assert not np.array_equal(together[0][:, half:], together[1][:, half:]), (
            "it painted beside what stays"
        )
        for one, pixels in zip(recipes[:2], together, strict=False):
            (again,) = renderer.render([one])
            assert compare(again.pixels, pixels).identical


def random_style_on(base: Base, folder: Path, targets: Targets) -> tuple[str, Path]:
    """The tensor hash and the file of a style with random matrices, strong enough to be seen."""
    path = folder / "style.safetensors"
    return write_random_style(base, path, rank=4, alpha=2, targets=targets, deviation=0.6), path
