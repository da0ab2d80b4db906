"""The promise of the proof lane: a picture's bytes depend on its recipe, not on its company."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.support.recipes import mixed, recipe, styled

from duktus.domain.recipe import Sampler, Schedule
from duktus.families.schedules import SCHEDULES_OF
from duktus.rendering.compare import pixel_hash
from duktus.rendering.renderer import Renderer

ROOT = Path(__file__).parents[3]


def hashes(renderer, recipes):
    found = {picture.index: pixel_hash(picture.pixels) for picture in renderer.render(recipes)}
    return [found[index] for index in range(len(recipes))]


@pytest.mark.parametrize("sampler", Sampler)
def test_alone_in_batches_and_shuffled_the_bytes_are_the_same(tiny, style, renderer, sampler):
    schedule = SCHEDULES_OF[sampler][-1]
    recipes = mixed(tiny, style[0], sampler=sampler, schedule=schedule)
    renderer.batch = 1
    alone = hashes(renderer, recipes)
    assert len(set(alone)) == len(recipes)
    for batch in (3, 6):
        renderer.batch = batch
        assert hashes(renderer, recipes) == alone
    order = [4, 1, 5, 0, 3, 2]
    assert hashes(renderer, [recipes[place] for place in order]) == [alone[place] for place in order]


def test_two_threads_hold_them_too(tiny, style):
    """The suite's workers compute with one thread, people with all they have."""
    recipes = mixed(tiny, style[0], steps=2)[:3]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        renderer = Renderer(tiny, {style[0]: style[1]}, batch=1)
        alone = hashes(renderer, recipes)
        renderer.batch = 3
        assert hashes(renderer, recipes) == alone
    finally:
        torch.set_num_threads(before)


def test_neighbours_of_other_shapes_and_cfg_1_change_nothing(tiny, style, renderer):
    renderer.batch = 6
    wide = recipe(tiny, adapters=styled(style[0], 1.0), width=128, height=96)
    crowd = [
        recipe(tiny, cfg=1.0, seed=5),
        wide,
        *mixed(tiny, style[0]),
        recipe(tiny, cfg=1.0, seed=6, adapters=styled(style[0], 0.8)),
        recipe(tiny, cfg=1.0, seed=7, adapters=styled(style[0], 0.9)),
        wide.model_copy(update={"seed": 9, "cfg": 5.0}),
        recipe(tiny),
    ]
    together = hashes(renderer, crowd)
    assert together == [hashes(renderer, [one])[0] for one in crowd]
    assert together[-1] == together[2], "strength 0 is the base"


def test_at_the_size_of_the_miniature_too(tiny, style, renderer):
    recipes = mixed(tiny, style[0], width=128, height=128, steps=3)
    renderer.batch = 6
    together = hashes(renderer, recipes)
    assert [hashes(renderer, [one])[0] for one in recipes[:3]] == together[:3]


def test_a_new_process_gives_the_same_bytes(tiny, style, renderer, tmp_path):
    recipes = [
        one
        for sampler in (Sampler.EULER_A, Sampler.DPMPP_2M, Sampler.DPMPP_2M_SDE, Sampler.UNIPC)
        for one in mixed(tiny, style[0], sampler=sampler, schedule=Schedule.NORMAL)[:3]
    ]
    (tmp_path / "order.json").write_text(
        json.dumps(
            {
                "base": tiny.model_dump(mode="json"),
                "style": [style[0], str(style[1])],
                "recipes": [one.as_json() for one in reversed(recipes)],
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.support.render_alone", str(tmp_path / "order.json")],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    renderer.batch = 6
    assert json.loads(done.stdout) == list(reversed(hashes(renderer, recipes)))


def test_a_fresh_renderer_gives_the_same_bytes(tiny, style, renderer):
    recipes = mixed(tiny, style[0])
    assert hashes(Renderer(tiny, {style[0]: style[1]}, batch=2), recipes) == hashes(renderer, recipes)
