"""Sweep files: what they say, and where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from duktus.actions.beginnings.beginning_asked import Beginning
from duktus.actions.recipes.request import Request
from duktus.actions.sweeping import sweep_file
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule

WHOLE = """\
sweep = 1
name = "portraits"
prompt = ["a {man|woman}", 'with "quotes"']
negative = "blurry"
styles = ["hand:0.8", "ink"]
base = ["tiny"]
replace = [["man", "child"]]
zip = [["cfg", "steps"]]
skip = ["cfg=3, seed=2"]
draw = 3
wildcard_seed = 9

[axes]
"strength of hand" = "0..1/3"
cfg = [3, 4.5]
steps = "10,20"
seed = "1, 2, .., 4"
sampler = ["Euler", "ddim"]
schedule = "karras"
size = "64x128"

"control weight" = "0, 0.5"
"variation strength" = [0, 0.5]
"hires denoise" = 0.3
denoise = "0.25..1/4"
"text strength of ink" = [0, 1]

[wildcards]
hair = ["red", "grey"]

[beginning]
image = "photo.png"
mask = ["circle:1,2,3", "alpha"]
mask_inverted = true
mask_feather = 4
variation_seed = 7
controls = "line:sketch.png:0.5"
hires = "2x"
hires_steps = 12
refiner = "fine"
refine_at = 0.7
draft = true
"""


def test_everything_that_can_be_said() -> None:
    found = sweep_file.parse(WHOLE, "f")
    assert found.name == "portraits"
    assert found.request == Request(
        ("a {man|woman}", 'with "quotes"'),
        styles=(("hand", 0.8), ("ink", 1.0)),
        style_strengths=(("hand", (0, 0.5, 1)),),
        cfgs=(3, 4.5),
        steps=(10, 20),
        seeds=(1, 2, 3, 4),
        samplers=(Sampler.EULER, Sampler.DDIM),
        schedules=(Schedule.KARRAS,),
        sizes=((64, 128),),
        negatives=("blurry",),
        bases=("tiny",),
        replacements=(("man", "child"),),
        zipped=(("cfg", "steps"),),
        skipped=((("cfg", "3"), ("seed", "2")),),
        draw=3,
        wildcard_seed=9,
        lists=(("hair", ("red", "grey")),),
        denoises=(0.25, 0.5, 0.75, 1),
        control_weights=(0, 0.5),
        variation_strengths=(0, 0.5),
        hires_denoises=(0.3,),
        style_text_strengths=(("ink", (0, 1)),),
        beginning=Beginning(
            image="photo.png",
            mask=("circle:1,2,3", "alpha"),
            mask_inverted=True,
            mask_feather=4,
            variation_seed=7,
            controls=("line:sketch.png:0.5",),
            hires="2x",
            hires_steps=12,
            refiner="fine",
            refine_at=0.7,
            draft=True,
        ),
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    request = sweep_file.parse(WHOLE, "f").request
    strange = Request(("ä 木 \x01\x7f\\ \"' \n{a|b}",), strengths=(1e-9, 1.25), lists=(("a b", ("\t",)),))
    for number, one in enumerate((request, strange, Request(("a",), seeds=()))):
        path = sweep_file.write(tmp_path / f"{number}.sweep.toml", one, None)
        expected = one if one.seeds else Request(("a",))
        assert sweep_file.read(path) == sweep_file.SweepFile(expected, None)
    with pytest.raises(InputError, match=r"does not end in \.sweep\.toml"):
        sweep_file.write(tmp_path / "x.toml", request, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("negative =", "negativ ="), "f, line 4, negativ: a sweep file has no such key here. Known:"),
        (("negative =", "negativ ="), "Did you mean 'negative'?"),
        (("draft = true", "draft = 1"), "draft is 1. It takes true or false."),
        (('hires = "2x"', "hires = 2"), "hires is 2. It takes a text."),
        (("mask_feather = 4", "mask_feather = -4"), "mask_feather is -4."),
        (("hires_steps", "hires_step"), "Did you mean 'hires_steps'?"),
        (("cfg = [3, 4.5]", "cgf = 3"), "line 15, cgf"),
        (("cfg = [3, 4.5]", "cfg = [true]"), "line 15, cfg is [True]"),
        (("cfg = [3, 4.5]", 'cfg = "a"'), "line 15, cfg: cfg 'a' is not a number"),
        (('steps = "10,20"', "steps = 1.5"), "line 16, steps: steps '1.5' is not a whole number"),
        (('["Euler", "ddim"]', '"Eulr"'), "line 18, sampler: sampler 'Eulr' is unknown"),
        (('size = "64x128"', 'size = "65"'), "line 20, size"),
        (("sweep = 1", "sweep = 2"), "line 1, sweep says version 2"),
        (('name = "portraits"', "name = 3"), "line 2, name is 3"),
        (("replace = [[", "replace = [[["), "not valid TOML"),
        (('replace = [["man", "child"]]', 'replace = ["man", "child"]'), "line 7, replace"),
        (('["cfg=3, seed=2"]', '["cfg"]'), "line 9, skip"),
        (("draw = 3", "draw = 0"), "line 10, draw is 0"),
        (("[wildcards]", "[wildcard]"), "line 28, wildcard"),
        (("prompt =", "#"), "prompt is missing"),
        (('negative = "blurry"', "negative = 3"), "line 4, negative is 3"),
    ],
)
def test_mistakes_are_named_with_their_line(change: tuple[str, str], said: str) -> None:
    assert change[0] in WHOLE
    with pytest.raises(InputError) as caught:
        sweep_file.parse(WHOLE.replace(*change), "f")
    assert said in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        sweep_file.read(tmp_path / "none.sweep.toml")
    (tmp_path / "b").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not text"):
        sweep_file.read(tmp_path / "b")
    with pytest.raises(InputError, match="cannot be read"):
        sweep_file.read(tmp_path)
