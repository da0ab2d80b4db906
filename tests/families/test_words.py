"""Learned words (textual inversion): taught, drawn as diffusers draws them, refused where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, EulerDiscreteScheduler
from safetensors.torch import load_file
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.recipes import recipe, styled, write_random_style
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base
from tests.support.tiny_flow import write_tiny_flux, write_tiny_zimage
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Base
from duktus.domain.errors import InputError, MismatchError
from duktus.domain.recipe import AdapterRef, Recipe, Sampler, Schedule
from duktus.domain.style import Method, TeachSettings
from duktus.families.family import LearnsWords, TeachesWords
from duktus.families.registry import FAMILIES, family, family_of
from duktus.families.safetensors_header import read_header
from duktus.families.samplers import quiet_numpy
from duktus.rendering.renderer import Materials, Renderer
from duktus.training import Paused, Taught, read_training_set
from duktus.training.teach import teach
from duktus.training.word import first_vectors

PROMPT = f"portrait of a woman, {TRIGGER}, with red hair"
CLIP = {
    "sd15": lambda folder: write_tiny_base(folder, channels=(32, 48), duktus=MINIATURE_DEFAULTS),
    "sdxl": write_tiny_sdxl,
}


@pytest.fixture(scope="module", params=CLIP)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = CLIP[request.param](tmp_path_factory.mktemp(request.param) / "base")
    return family_of(folder).describe(folder, request.param)


@pytest.fixture(scope="module")
def word(base: Base, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Three random vectors, strong enough to be seen: (tensor hash, file)."""
    return write_random_word(base, tmp_path_factory.mktemp("word") / "word.safetensors")


def write_random_word(base: Base, path: Path, *, vectors: int = 3, seed: int = 0) -> tuple[str, Path]:
    able, loaded = family(base.family), family(base.family).load(base)
    assert isinstance(able, TeachesWords)
    assert isinstance(loaded, LearnsWords)
    generator = torch.Generator().manual_seed(seed)
    made = {
        name: torch.randn(vectors, own.shape[1], generator=generator)
        for name, own in loaded.vectors_of("a").items()
    }
    return able.write_word(path, made, {"title": "a word", "trigger": TRIGGER}), path


def asked(base: Base, adapters: Sequence[AdapterRef] = (), **changes: object) -> Recipe:
    plain = {"prompt": PROMPT, "sampler": Sampler.EULER, "schedule": Schedule.NORMAL}
    return recipe(base, adapters=tuple(adapters), **(plain | changes))


def spoken(style: str, strength: float = 1.0, word: str = TRIGGER) -> AdapterRef:
    return AdapterRef(name="laz", style=style, strength=strength, word=word)


def drawn(renderer: Renderer, *recipes: Recipe) -> list[np.ndarray]:
    found = {picture.index: picture.pixels for picture in renderer.render(recipes)}
    return [found[place].astype(np.float64) for place in range(len(recipes))]


def test_diffusers_loads_the_file_and_draws_the_same_picture(base: Base, word: tuple[str, Path]) -> None:
    digest, path = word
    pipe: Any = DiffusionPipeline.from_pretrained(base.folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    if base.family == "sd15":
        pipe.load_textual_inversion(str(path), token=TRIGGER)
    else:
        state = load_file(path)
        parts = (
            ("clip_l", pipe.text_encoder, pipe.tokenizer),
            ("clip_g", pipe.text_encoder_2, pipe.tokenizer_2),
        )
        for name, encoder, tokenizer in parts:
            pipe.load_textual_inversion(
                {TRIGGER: state[name]}, token=TRIGGER, text_encoder=encoder, tokenizer=tokenizer
            )
    one, bare = (
        asked(base, adapters, negative_prompt="beard", cfg=9.0) for adapters in ([spoken(digest)], [])
    )
    ours, without = drawn(Renderer(base, {digest: path}), one, bare)
    shape = family(base.family).load(base).latent_shape(one.width, one.height)
    start = torch.randn((1, *shape), generator=torch.Generator().manual_seed(one.seed))
    with quiet_numpy():
        theirs = pipe(
            prompt=one.prompt,
            negative_prompt=one.negative_prompt,
            num_inference_steps=one.steps,
            guidance_scale=one.cfg,
            height=one.height,
            width=one.width,
            latents=start,
            output_type="np",
        ).images[0]
    assert np.abs(theirs * 255 - ours).max() <= 1
    assert np.abs(ours - without).max() > 10, "the word must be visible for this to mean much"


def test_zero_is_the_base_bit_for_bit_between_lies_between_and_batches_hold_their_bits(
    base: Base, word: tuple[str, Path]
) -> None:
    digest, path = word
    renderer = Renderer(base, {digest: path}, batch=3)
    strengths = (0.0, 0.02, 0.5, 1.0, 1.2)
    bare, *pictures = drawn(renderer, asked(base), *(asked(base, [spoken(digest, one)]) for one in strengths))
    assert np.array_equal(bare, pictures[0])
    away = [np.abs(picture - bare).mean() for picture in pictures]
    assert 0 < away[1] < away[2] < away[3]
    assert len({picture.tobytes() for picture in pictures}) == len(strengths)
    for strength, picture in zip(strengths, pictures, strict=True):
        (alone,) = drawn(Renderer(base, {digest: path}), asked(base, [spoken(digest, strength)]))
        assert np.array_equal(alone, picture)


def test_a_word_stands_beside_a_lora_and_another_word(
    base: Base, word: tuple[str, Path], tmp_path: Path
) -> None:
    digest, path = word
    lora = write_random_style(base, tmp_path / "lora.safetensors")
    other, other_path = write_random_word(base, tmp_path / "other.safetensors", vectors=1, seed=7)
    renderer = Renderer(base, {digest: path, lora: tmp_path / "lora.safetensors", other: other_path})
    both = f"{PROMPT}, glasses"
    sets = [
        [],
        [spoken(digest)],
        [*styled(lora, 1.0)],
        [spoken(digest), *styled(lora, 1.0)],
        [spoken(digest), spoken(other, 1.0, "glasses")],
        [spoken(digest, 0.5), spoken(other, 0.5, "Glasses")],
    ]
    pictures = drawn(renderer, *(asked(base, adapters, prompt=both) for adapters in sets))
    assert len({picture.tobytes() for picture in pictures}) == len(sets)
    # The order in which styles are named is nothing, nor is a word that the prompt lacks.
    turned, lacking = drawn(
        renderer,
        asked(base, [*styled(lora, 1.0), spoken(digest)], prompt=both),
        asked(base, [spoken(digest), spoken(other, 1.0, "beard")], prompt=both),
    )
    assert np.array_equal(turned, pictures[3])
    assert np.array_equal(lacking, pictures[1])


def test_a_refiner_reads_the_word_too(tmp_path: Path) -> None:
    """With itself as refiner nothing is seen of the hand-over."""
    folder = write_tiny_sdxl(tmp_path / "base")
    base = family_of(folder).describe(folder, "m")
    digest, path = write_random_word(base, tmp_path / "word.safetensors")
    whole = asked(base, [spoken(digest)])
    halves = asked(base, [spoken(digest)], refine={"name": "m", "weights": base.weights, "at": 0.5})
    renderer = Renderer(base, {digest: path}, materials=Materials(refiners={base.weights: base}))
    one, other = drawn(renderer, whole, halves)
    assert np.array_equal(one, other)


def test_brackets_weigh_a_word_and_what_does_not_fit_is_cut(base: Base, word: tuple[str, Path]) -> None:
    digest, path = word
    weighed = [
        asked(base, [spoken(digest)], prompt=f"a woman, ({TRIGGER}:{one})", weighting="a1111")
        for one in (1.0, 1.4)
    ]
    long = f"{'red ' * 74}{TRIGGER} and blue"
    first, second, cut = drawn(
        Renderer(base, {digest: path}), *weighed, asked(base, [spoken(digest)], prompt=long)
    )
    plain, bare = drawn(
        Renderer(base, {digest: path}),
        asked(base, [spoken(digest)], prompt=f"a woman, {TRIGGER}"),
        asked(base, prompt=long),
    )
    assert np.array_equal(first, plain)
    assert not np.array_equal(first, second)
    assert not np.array_equal(cut, bare), "the first of its three vectors still fits"


def test_the_file_says_what_it_is(base: Base, word: tuple[str, Path]) -> None:
    header = read_header(word[1])
    names = {"sd15": {"emb_params"}, "sdxl": {"clip_l", "clip_g"}}[base.family]
    assert set(load_file(word[1])) == names
    assert header.metadata["modelspec.architecture"].endswith("/textual-inversion")
    assert header.metadata["modelspec.trigger_phrase"] == TRIGGER
    assert header.metadata["ss_num_vectors_per_token"] == "3"  # noqa: S105 - tokens of a text
    assert "ss_network_dim" not in header.metadata


def test_the_word_begins_as_the_vectors_of_its_first_text(base: Base) -> None:
    loaded = family(base.family).load(base)
    assert isinstance(loaded, LearnsWords)
    settings = TeachSettings(
        trigger=TRIGGER, method=Method.TEXTUAL_INVERSION, vectors=4, init_word="red hair", steps=1,
        learning_rate=1e-3, resolution=64,
    )  # fmt: skip
    own = loaded.vectors_of("red hair")
    for encoder, vectors in first_vectors(loaded, settings).items():
        assert torch.equal(vectors, own[encoder][[0, 0, 1, 1]])
    with pytest.raises(InputError, match="no word for this base"):
        first_vectors(loaded, settings.model_copy(update={"init_word": " "}))


def test_a_word_of_another_base_is_refused(base: Base, tmp_path: Path) -> None:
    able, loaded = family(base.family), family(base.family).load(base)
    assert isinstance(able, TeachesWords)
    assert isinstance(loaded, LearnsWords)
    wide = {name: torch.ones(2, own.shape[1] + 8) for name, own in loaded.vectors_of("a").items()}
    able.write_word(tmp_path / "wide.safetensors", wide, {})
    with pytest.raises(MismatchError, match="word of another base"):
        able.read_word(tmp_path / "wide.safetensors", loaded)
    broken = {name: vectors * torch.nan for name, vectors in loaded.vectors_of("a").items()}
    with pytest.raises(InputError, match="NaN"):
        able.write_word(tmp_path / "nan.safetensors", broken, {})
    assert not (tmp_path / "nan.safetensors").exists()


def test_only_the_vectors_learn_and_a_stopped_run_goes_on_bit_for_bit(base: Base, tmp_path: Path) -> None:
    pictures = read_training_set(write_pictures(tmp_path / "p", 5), trigger=TRIGGER, resolution=64)
    settings = TeachSettings(
        trigger=TRIGGER, method=Method.TEXTUAL_INVERSION, vectors=2, init_word="sketch", steps=4,
        learning_rate=0.5, batch=2, resolution=64, caption_dropout=0, evaluate_every=2, checkpoint_every=2,
        probe_timesteps=2, probe_draws=1, keep="last",
    )  # fmt: skip
    whole = teach(base, pictures, settings, tmp_path / "whole")
    assert isinstance(whole, Taught)
    seen: list[object] = []
    half = teach(
        base, pictures, settings, tmp_path / "half", on_event=seen.append, should_stop=lambda: len(seen) > 3
    )
    assert isinstance(half, Paused)
    assert 0 < half.step < 4
    done = teach(base, pictures, settings, tmp_path / "half", resume=True)
    assert isinstance(done, Taught)
    assert done.file_hash == whole.file_hash
    checkpoint = load_file(tmp_path / "whole" / "checkpoints" / "step-000004.safetensors")
    learned = {name for name in checkpoint if name.startswith("adapter/")}
    loaded = family(base.family).load(base)
    assert isinstance(loaded, LearnsWords)
    longest = loaded.longest_vectors()
    assert learned == {f"adapter/word.{encoder}" for encoder in longest}
    for encoder, limit in longest.items():
        lengths = checkpoint[f"adapter/word.{encoder}"].norm(dim=1)
        assert bool((lengths <= limit * 1.0001).all()), "at this learning rate they would be far longer"
        assert not torch.equal(
            checkpoint[f"adapter/word.{encoder}"], first_vectors(loaded, settings)[encoder]
        )


@pytest.mark.parametrize("write", [write_tiny_flux, write_tiny_zimage])
def test_a_family_without_clip_vectors_refuses_with_the_way_out(write: Any, tmp_path: Path) -> None:
    folder = write(tmp_path / "base")
    base = family_of(folder).describe(folder, "m")
    assert not isinstance(FAMILIES[base.family], TeachesWords)
    pictures = read_training_set(write_pictures(tmp_path / "p", 5), trigger=TRIGGER, resolution=64)
    settings = TeachSettings(
        trigger=TRIGGER, method=Method.TEXTUAL_INVERSION, init_word="sketch", steps=1, learning_rate=1e-3,
        resolution=64,
    )  # fmt: skip
    with pytest.raises(InputError, match=r"cannot be taught a word.*LoRA.*sd15, sdxl"):
        teach(base, pictures, settings, tmp_path / "run")
    with pytest.raises(MismatchError, match="learn no words"):
        list(
            Renderer(base, {"a" * 64: folder}).render(
                [
                    recipe(
                        base,
                        adapters=(spoken("a" * 64),),
                        sampler=Sampler.EULER,
                        schedule=Schedule.NORMAL,
                        guidance=base.render.guidance,
                    )
                ]
            )
        )
