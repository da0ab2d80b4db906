"""Pictures that begin from something: source, mask, extension, variation seed, hires pass, controls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.beginnings import photo, write_picture, write_random_control
from tests.support.recipes import mixed, recipe

from duktus.domain.beginning import (
    Control,
    ControlKind,
    Extend,
    Hires,
    Mask,
    Source,
    Variation,
    steps_skipped,
)
from duktus.domain.errors import NotFoundError
from duktus.domain.recipe import Sampler
from duktus.families.registry import steerable
from duktus.families.schedules import SCHEDULES_OF
from duktus.rendering.compare import compare, pixel_hash
from duktus.rendering.noise import turned
from duktus.rendering.renderer import Materials, Renderer

HALF = np.zeros((64, 64), np.uint8)
HALF[:, 28:] = 255


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    return dict(
        [
            write_picture(folder / "one.png", photo()),
            write_picture(folder / "two.png", photo(seed=1)),
            write_picture(folder / "half.png", HALF),
            write_picture(folder / "lines.png", (photo(seed=2) > 120) * 255),
        ]
    )


@pytest.fixture(scope="module")
def names(files) -> dict[str, str]:
    return {path.stem: key for key, path in files.items()}


@pytest.fixture(scope="module")
def network(tiny, tmp_path_factory):
    folder = write_random_control(tiny, tmp_path_factory.mktemp("control") / "lines")
    return steerable("sd15").describe_control(folder)


@pytest.fixture(scope="module")
def begun(tiny, style, files, network):
    """A renderer that has everything a recipe here may name."""
    return Renderer(tiny, {style[0]: style[1]}, materials=Materials(files, {network.hash: network}))


def pixels(renderer, recipes):
    found = {picture.index: picture.pixels for picture in renderer.render(recipes)}
    return [found[index] for index in range(len(recipes))]


def one(renderer, wanted):
    return pixels(renderer, [wanted])[0]


def over(names, name="one", denoise=0.5, **changes):
    return {"source": Source(picture=names[name], denoise=denoise, **changes)}


def control(network, names, weight=1.0, **changes):
    return Control(
        kind=ControlKind.LINE,
        name="l",
        network=network.hash,
        picture=names["lines"],
        weight=weight,
        **changes,
    )


def test_less_denoise_stays_nearer_to_the_source(tiny, begun, names, files):
    source = photo()
    far = [
        compare(source, one(begun, recipe(tiny, steps=10, **over(names, denoise=denoise)))).psnr
        for denoise in (0.1, 0.5, 1.0)
    ]
    assert far[0] > far[1] > far[2]


def test_only_the_last_steps_run(tiny, begun, names):
    steps = []
    wanted = recipe(tiny, steps=10, **over(names, denoise=0.3))
    list(begun.render([wanted], on_step=lambda *now: steps.append(now)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert steps_skipped(10, 0.3) == 7
    assert steps_skipped(10, 0.01) == 9, "at least one step runs"
    assert steps_skipped(10, 1.0) == 0


def test_what_the_mask_closes_comes_back_exactly(tiny, begun, names):
    wanted = recipe(tiny, mask=Mask(picture=names["half"]), **over(names, denoise=1.0))
    painted = one(begun, wanted)
    assert np.array_equal(painted[:, :28], photo()[:, :28])
    assert np.abs(painted[:, 28:].astype(int) - photo()[:, 28:]).mean() > 3
    open_everywhere = one(begun, recipe(tiny, **over(names, denoise=1.0)))
    assert not np.array_equal(painted[:, 28:], open_everywhere[:, 28:]), "it painted beside what stays"


def test_a_feathered_mask_mixes_inside_its_edge_only(tiny, begun, names):
    hard = one(begun, recipe(tiny, mask=Mask(picture=names["half"]), **over(names)))
    soft = one(begun, recipe(tiny, mask=Mask(picture=names["half"], feather=8), **over(names)))
    assert np.array_equal(soft[:, :28], photo()[:, :28])
    assert not np.array_equal(soft[:, 28:34], hard[:, 28:34])
    assert np.array_equal(soft[:, 40:], hard[:, 40:])


def test_an_extended_canvas_keeps_the_source_where_it_was(tiny, begun, names):
    wanted = recipe(tiny, width=96, height=80, **over(names, denoise=1.0, extend=Extend(left=32, bottom=16)))
    painted = one(begun, wanted)
    assert painted.shape == (80, 96, 3)
    assert np.array_equal(painted[:64, 32:], photo())
    edge = np.repeat(photo()[:, :1], 32, axis=1)
    assert np.abs(painted[:64, :32].astype(int) - edge).mean() > 3, "the new room is not the edge drawn out"


def test_a_hires_pass_gives_the_larger_size_and_keeps_the_picture(tiny, begun):
    first = one(begun, recipe(tiny))
    for by in ("latent", "pixel"):
        wanted = recipe(tiny, hires=Hires(width=128, height=128, steps=4, denoise=0.3, by=by))
        steps = []
        (picture,) = begun.render([wanted], on_step=lambda *now, kept=steps: kept.append(now))
        assert picture.pixels.shape == (128, 128, 3)
        assert steps[-1] == (5, 5), "four steps, then one of four at denoise 0.3"
        small = picture.pixels.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
        other = one(begun, recipe(tiny, seed=77))
        assert compare(small, first).psnr > compare(other, first).psnr


def test_a_control_steers_by_its_weight_and_only_in_its_span(tiny, begun, network, names):
    plain = one(begun, recipe(tiny))
    steered = one(begun, recipe(tiny, controls=(control(network, names),)))
    weaker = one(begun, recipe(tiny, controls=(control(network, names, 0.3),)))
    late = one(begun, recipe(tiny, controls=(control(network, names, start=0.75),)))
    assert compare(plain, weaker).psnr > compare(plain, steered).psnr
    assert not compare(plain, late).identical
    assert compare(plain, late).psnr > compare(plain, steered).psnr
    assert compare(plain, one(begun, recipe(tiny, controls=(control(network, names, 0.0),)))).identical


def test_two_controls_add_up(tiny, begun, network, names):
    half = control(network, names, 0.5)
    twice = one(begun, recipe(tiny, controls=(half, half)))
    whole = one(begun, recipe(tiny, controls=(control(network, names, 1.0),)))
    assert compare(twice, whole).psnr > 40


def test_a_variation_turns_the_noise_towards_another_seed(tiny, begun):
    first, other = one(begun, recipe(tiny)), one(begun, recipe(tiny, seed=9))
    near = one(begun, recipe(tiny, variation=Variation(seed=9, strength=0.05)))
    whole = one(begun, recipe(tiny, variation=Variation(seed=9, strength=1.0)))
    assert compare(first, near).psnr > compare(first, other).psnr
    assert compare(whole, other).psnr > 40


def test_turning_keeps_the_length_of_noise_and_goes_all_the_way():
    a, b = (torch.randn(4, 64, 8, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert torch.allclose(turned(a, b, 0.0), a, atol=1e-5)
    assert torch.allclose(turned(a, b, 1.0), b, atol=1e-5)
    middle = turned(a, b, 0.5)
    assert 0.95 < middle.std() < 1.05
    assert ((a + b) / 2).std() < 0.8, "a straight mixture would lose the length"
    assert torch.allclose(turned(a, a, 0.5), a)


def every_way(tiny, style, names, network, **changes):
    """Recipes of several groups, three of each way, that differ in what may differ inside a batch."""
    rows = mixed(tiny, style, **changes)[1:4]
    two = {"source": Source(picture=names["two"], denoise=0.5)}
    masked = {"mask": Mask(picture=names["half"], feather=4)}
    ways = [
        [over(names), two, over(names)],
        [over(names) | masked, two | masked, over(names) | {"mask": Mask(picture=names["half"])}],
        [{"variation": Variation(seed=5, strength=share)} for share in (0.1, 0.5, 1.0)],
        [{"hires": Hires(width=96, height=96, steps=3, denoise=0.7, by="latent")}] * 3,
        [{"hires": Hires(width=96, height=96, steps=3, denoise=0.7, by="pixel")}] * 3,
        [
            {"controls": (control(network, names, weight, end=end),)}
            for weight, end in ((1.0, 0.4), (0.3, 1.0), (0.0, 1.0))
        ],
    ]
    return [row.model_copy(update=update) for way in ways for row, update in zip(rows, way, strict=True)]


@pytest.mark.parametrize("sampler", [Sampler.DPMPP_2M, Sampler.EULER_A, Sampler.DDIM, Sampler.HEUN])
def test_the_bits_hold_whatever_the_batch(tiny, style, begun, names, network, sampler):  # noqa: PLR0917
    recipes = every_way(
        tiny, style[0], names, network, sampler=sampler, schedule=SCHEDULES_OF[sampler][-1], steps=3
    )
    begun.batch = 1
    alone = [pixel_hash(picture) for picture in pixels(begun, recipes)]
    assert len(set(alone)) == len(recipes)
    begun.batch = 3
    assert [pixel_hash(picture) for picture in pixels(begun, recipes)] == alone
    turned_round = [pixel_hash(picture) for picture in pixels(begun, recipes[::-1])]
    assert turned_round == alone[::-1]
    begun.batch = 6


def test_a_fresh_renderer_gives_the_same_bits(tiny, style, begun, files, names, network):  # noqa: PLR0917
    recipes = every_way(tiny, style[0], names, network, steps=2)[1::3]
    fresh = Renderer(tiny, {style[0]: style[1]}, batch=2, materials=Materials(files, {network.hash: network}))
    assert [pixel_hash(p) for p in pixels(fresh, recipes)] == [pixel_hash(p) for p in pixels(begun, recipes)]


def test_what_is_missing_is_named_before_anything_is_computed(tiny, names, network):
    bare = Renderer(tiny, {})
    with pytest.raises(NotFoundError, match="made from is not here"):
        bare.render([recipe(tiny, **over(names))])
    with pytest.raises(NotFoundError, match="made from is not here"):
        bare.render([recipe(tiny, controls=(control(network, names),))])
    with pytest.raises(NotFoundError, match="control network l"):
        Renderer(tiny, {}, materials=Materials({names["lines"]: Path("x")})).render(
            [recipe(tiny, controls=(control(network, names),))]
        )
