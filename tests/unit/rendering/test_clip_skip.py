"""Prompts read at an earlier layer of the text encoder, as diffusers does and in A1111's words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from pydantic import ValidationError
from tests.support.recipes import recipe
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_flow import write_tiny_flux
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.actions.recipes.clip_skip import clip_skip
from duktus.domain.base import Base
from duktus.domain.errors import InputError, MismatchError
from duktus.families.registry import family_of
from duktus.rendering.metadata.a1111 import read_a1111
from duktus.rendering.parameters_text import parameters_text
from duktus.rendering.renderer import Renderer

TEXT = "portrait of a woman with red hair"


def described(folder: Path) -> Base:
    return family_of(folder).describe(folder, folder.name)


@pytest.fixture(scope="module")
def sd15(tmp_path_factory) -> Base:
    folder = tmp_path_factory.mktemp("bases") / "small"
    return described(write_tiny_base(folder, channels=(32, 48), latent_channels=4))


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory) -> Base:
    return described(write_tiny_sdxl(tmp_path_factory.mktemp("bases") / "large", layers=3))


@pytest.mark.parametrize(
    ("kind", "pipeline", "without", "layer"),
    [
        ("sd15", StableDiffusionPipeline, {"safety_checker": None}, 2),
        ("sdxl", StableDiffusionXLPipeline, {"add_watermarker": False}, 3),
    ],
)
def test_diffusers_reads_the_same(request, kind, pipeline, without, layer):
    """It counts the layers left out beyond the family's own."""
    base = request.getfixturevalue(kind)
    pipe = pipeline.from_pretrained(base.folder, local_files_only=True, **without)
    if not hasattr(pipe.text_encoder, "text_model"):  # the wrapper that newer transformers leave out
        object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)
    loaded = family_of(base.folder).load(base)

    def theirs(skipped):
        given = pipe.encode_prompt(
            TEXT, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False, clip_skip=skipped
        )
        return given[0], given[2] if kind == "sdxl" else None

    own = loaded.encode_text([TEXT])
    with torch.no_grad(), loaded.reading_at(layer):
        ours = loaded.encode_text([TEXT])
        weighed = loaded.encode_weighted([TEXT])
    for read, skipped in ((own, None), (ours, 1)):
        hidden, pooled = theirs(skipped)
        assert torch.allclose(read.hidden, hidden, atol=1e-5), skipped
        if pooled is not None:
            assert torch.allclose(read.pooled, pooled, atol=1e-5)
    assert torch.equal(weighed.hidden, ours.hidden)
    assert not torch.allclose(ours.hidden, own.hidden, atol=1e-2)
    assert torch.equal(loaded.encode_text([TEXT]).hidden, own.hidden), "afterwards it reads as before"


def test_pictures_differ_and_keep_their_bits_beside_others(sd15):
    asked = [recipe(sd15), recipe(sd15, clip_skip=2), recipe(sd15, clip_skip=2, seed=2), recipe(sd15, seed=2)]
    renderer = Renderer(sd15, {})
    together = {one.index: one.pixels for one in renderer.render(asked)}
    for place, one in enumerate(asked):
        (alone,) = renderer.render([one])
        assert np.array_equal(alone.pixels, together[place]), place
    assert not np.array_equal(together[0], together[1])
    assert not np.array_equal(together[2], together[3])


def test_what_a_base_reads_at_by_itself_is_not_said(sd15, sdxl):
    assert [clip_skip(sd15, asked) for asked in (None, 1, 2)] == [None, None, 2]
    assert [clip_skip(sdxl, asked) for asked in (None, 1, 2, 3)] == [None, None, None, 3]
    for base, asked in ((sd15, 3), (sd15, 0), (sdxl, 4)):
        with pytest.raises(InputError, match=r"is not one of .*1 is the last layer"):
            clip_skip(base, asked)


def test_a_recipe_without_it_keeps_its_id(sd15):
    plain = recipe(sd15)
    assert b"clip_skip" not in plain.canonical
    assert recipe(sd15, clip_skip=None).id == plain.id
    assert recipe(sd15, clip_skip=2).id != plain.id
    with pytest.raises(ValidationError):
        recipe(sd15, clip_skip=1)


def test_a_base_without_such_layers_is_told_so(tmp_path):
    flux = described(write_tiny_flux(tmp_path / "flow"))
    with pytest.raises(InputError, match="flow has no clip skip"):
        clip_skip(flux, 2)
    with pytest.raises(MismatchError, match="flow has no clip skip"):
        list(Renderer(flux, {}).render([recipe(flux, clip_skip=2, sampler="Euler", schedule="normal")]))


def test_a1111_reads_it_and_is_read(sd15):
    text = parameters_text(recipe(sd15, clip_skip=2))
    assert ", Clip skip: 2, " in text
    said = read_a1111(text)
    assert said is not None
    assert said.clip_skip == 2
    assert "Clip skip" not in parameters_text(recipe(sd15)), "a missing one means 1"
