from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.support.recipes import mixed, recipe, styled, write_random_style
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base

from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.domain.recipe import AdapterRef, Lane, Numerics, Sampler, Schedule
from duktus.families.registry import family_of
from duktus.rendering.compare import compare
from duktus.rendering.renderer import Renderer


def test_pictures_come_with_their_place_recipe_and_facts(tiny, style, renderer):
    renderer.batch = 4
    recipes = [*mixed(tiny, style[0]), recipe(tiny, height=128)]
    pictures = list(renderer.render(recipes))
    assert sorted(picture.index for picture in pictures) == list(range(7))
    for picture in pictures:
        assert picture.recipe == recipes[picture.index]
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.shape == (picture.recipe.height, picture.recipe.width, 3)
        assert picture.steps_strip is None
        assert picture.facts.seconds > 0
        assert picture.facts.device == "cpu"
        assert picture.facts.threads >= 1
        assert {"torch", "diffusers", "duktus", "python"} <= set(picture.facts.versions)


def test_guidance_is_refused_where_the_network_does_not_take_it(tiny, renderer):
    with pytest.raises(InputError, match=r"takes no guidance.*Use cfg"):
        renderer.render([recipe(tiny, guidance=3.5)])


def test_equal_recipes_are_computed_once_and_given_to_each(tiny, renderer):
    steps = []
    one = recipe(tiny)
    pictures = list(renderer.render([one, one, one], on_step=lambda *now: steps.append(now)))
    assert [picture.index for picture in pictures] == [0, 1, 2]
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_progress_counts_every_picture_and_heun_looks_twice(tiny, renderer):
    steps = []
    renderer.batch = 2
    recipes = [recipe(tiny, seed=seed) for seed in range(3)]
    heun = recipe(tiny, sampler=Sampler.HEUN)
    list(renderer.render([*recipes, heun], on_step=lambda *now: steps.append(now)))
    assert steps[-1] == (3 * 4 + 7, 3 * 4 + 7)
    assert [done for done, _ in steps] == [2, 4, 6, 8, 9, 10, 11, 12, *range(13, 20)]


def test_it_stops_between_steps_and_keeps_what_is_finished(tiny, renderer):
    renderer.batch = 1
    steps = []
    pictures = list(
        renderer.render(
            [recipe(tiny, seed=seed) for seed in range(3)],
            on_step=lambda *now: steps.append(now),
            should_stop=lambda: len(steps) == 6,
        )
    )
    assert [picture.index for picture in pictures] == [0]
    assert len(steps) == 6


@pytest.mark.parametrize("sampler", Sampler)
def test_previews_come_after_every_step_and_near_the_picture(tiny, renderer, sampler):
    seen = []
    one = recipe(tiny, sampler=sampler, schedule=Schedule.NORMAL)
    list(renderer.render([one, one], on_preview=seen.append))
    last = seen[-1]
    assert {preview.index for preview in seen} == {0, 1}
    assert [preview.step for preview in seen if preview.index == 0] == list(range(1, last.steps + 1))
    assert last.step == last.steps
    assert last.pixels.shape == (8, 8, 3)
    assert last.pixels.dtype == np.uint8


def test_the_strip_goes_from_noise_to_the_picture(tiny, renderer):
    (picture,) = renderer.render([recipe(tiny, steps=8)], keep_steps=True)
    strip = picture.steps_strip
    assert strip is not None
    assert strip.shape == (64, 4 * 64, 3)
    frames = np.split(strip, 4, axis=1)
    assert compare(frames[-1], picture.pixels).identical
    assert not compare(frames[0], picture.pixels).identical


def test_strength_cfg_seed_and_prompt_each_change_the_picture(tiny, style, renderer):
    first = recipe(tiny, adapters=styled(style[0], 1.0))
    others = [
        recipe(tiny, adapters=styled(style[0], 0.9)),
        recipe(tiny, adapters=styled(style[0], 1.0), cfg=4.0),
        recipe(tiny, adapters=styled(style[0], 1.0), seed=2),
        recipe(tiny, adapters=styled(style[0], 1.0), prompt="a man"),
        recipe(tiny, adapters=styled(style[0], 1.0), negative_prompt="beard"),
        recipe(tiny, adapters=styled(style[0], 1.0), steps=5),
        recipe(tiny, adapters=styled(style[0], 1.0), schedule=Schedule.NORMAL),
    ]
    pictures = {picture.index: picture.pixels for picture in renderer.render([first, *others])}
    for place in range(1, len(pictures)):
        assert not compare(pictures[0], pictures[place]).identical


def test_two_styles_in_either_order_give_one_picture(tiny, style, tmp_path):
    other = write_random_style(tiny, tmp_path / "b.safetensors", seed=7)
    renderer = Renderer(tiny, {style[0]: style[1], other: tmp_path / "b.safetensors"})
    refs = [
        AdapterRef(name="a", style=style[0], strength=0.7),
        AdapterRef(name="b", style=other, strength=0.4),
    ]
    recipes = [
        recipe(tiny, adapters=refs),
        recipe(tiny, adapters=refs[::-1]),
        recipe(tiny, adapters=refs[:1]),
        recipe(tiny, adapters=[refs[0], refs[1].model_copy(update={"strength": 0.0})]),
    ]
    pictures = {picture.index: picture.pixels for picture in renderer.render(recipes)}
    assert compare(pictures[0], pictures[1]).identical
    assert not compare(pictures[0], pictures[2]).identical
    assert compare(pictures[2], pictures[3]).identical


def test_the_draft_lane_is_close_to_proof(tiny, style, renderer):
    proof = recipe(tiny, adapters=styled(style[0], 1.0))
    draft = proof.model_copy(update={"numerics": Numerics(lane=Lane.DRAFT)})
    one, two = (picture.pixels for picture in renderer.render([proof, draft]))
    assert compare(one, two).psnr > 45


def test_a_draft_asks_about_the_prompt_alone_in_its_last_third(tiny, style, renderer):
    for lane, rows in ((Lane.PROOF, [2] * 6), (Lane.DRAFT, [2, 2, 2, 2, 1, 1])):
        wanted = recipe(tiny, adapters=styled(style[0], 1.0), steps=6, numerics=Numerics(lane=lane))
        seen = []
        hook = renderer._base(wanted).denoiser.register_forward_pre_hook(
            lambda _, given, seen=seen: seen.append(len(given[0]))
        )
        list(renderer.render([wanted]))
        hook.remove()
        assert seen == rows


def test_bfloat16_renders_and_its_bits_hold_too(tiny, style, renderer):
    recipes = mixed(tiny, style[0], numerics=Numerics(dtype="bfloat16"), steps=2)
    renderer.batch = 6
    together = {picture.index: picture.pixels for picture in renderer.render(recipes)}
    for place in (1, 2):
        (alone,) = renderer.render([recipes[place]])
        assert compare(alone.pixels, together[place]).identical


def test_what_cannot_be_rendered_is_refused_before_anything_is_computed(tiny, style, renderer):
    elsewhere = tiny.ref.model_copy(update={"weights": "0" * 64})
    with pytest.raises(MismatchError, match="hashes of the weights differ"):
        renderer.render([recipe(tiny), recipe(tiny, base=elsewhere)])
    with pytest.raises(NotFoundError, match="Style laz"):
        renderer.render([recipe(tiny, adapters=styled("1" * 64, 1.0))])
    with pytest.raises(InputError, match="DDIM has no Karras"):
        renderer.render([recipe(tiny, sampler=Sampler.DDIM)])
    with pytest.raises(InputError, match="LCM cannot make 60"):
        renderer.render([recipe(tiny, sampler=Sampler.LCM, schedule=Schedule.NORMAL, steps=60)])


def test_a_file_that_is_not_the_style_it_should_be_is_refused(tiny, style):
    renderer = Renderer(tiny, {"1" * 64: style[1]})
    with pytest.raises(MismatchError, match="is not the style it should be"):
        list(renderer.render([recipe(tiny, adapters=styled("1" * 64, 1.0))]))


def test_a_style_of_another_base_is_refused_with_the_count(tiny, style, tmp_path):
    from tests.support.tiny_base import write_tiny_base

    from duktus.families.registry import family_of

    folder = write_tiny_base(tmp_path / "other", channels=(32, 64))
    base = family_of(folder).describe(folder, "other")
    renderer = Renderer(base, {style[0]: style[1]})
    with pytest.raises(MismatchError, match=r"style of another base than other: \d+ of \d+ modules"):
        list(renderer.render([recipe(base, adapters=styled(style[0], 1.0))]))


def test_cells_of_one_essence_are_computed_once_and_keep_their_own_recipes(tiny, style, renderer):
    steps = []
    with_style = recipe(tiny, adapters=styled(style[0], 0.0))
    recipes = [recipe(tiny), with_style, recipe(tiny, base=tiny.ref.model_copy(update={"name": "other"}))]
    pictures = list(renderer.render(recipes, on_step=lambda *now: steps.append(now)))
    assert steps[-1] == (4, 4)
    assert [picture.recipe for picture in sorted(pictures, key=lambda one: one.index)] == recipes
    (alone,) = renderer.render([with_style])
    assert compare(alone.pixels, pictures[0].pixels).identical


def test_pictures_decoded_together_have_the_bits_of_each_alone(tiny, renderer):
    list(renderer.render([recipe(tiny, steps=1)]))
    latents = torch.randn(5, 16, 16, 12, generator=torch.Generator().manual_seed(0))
    base = renderer._loaded
    together = base.decode(latents)
    assert torch.equal(together, torch.cat([base.decode(row) for row in latents.split(1)]))
    assert together.shape == (5, 3, 128, 96)


def test_a_picture_of_no_numbers_is_an_error_and_not_a_black_picture(tmp_path):
    folder = write_tiny_base(tmp_path / "base", duktus=MINIATURE_DEFAULTS)
    (weights,) = (folder / "vae").glob("*.safetensors")
    tensors = load_file(weights)
    tensors["decoder.conv_out.bias"][0] = torch.nan
    save_file(tensors, weights)
    base = family_of(folder).describe(folder, "broken")
    with pytest.raises(InputError, match=r"no numbers.*Get the base again"):
        list(Renderer(base, {}).render([recipe(base)]))
