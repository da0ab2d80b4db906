"""Every program's settings, from the golden files; what they claim and what could not be mapped."""

from __future__ import annotations

import pytest
from tools.foreign_pictures.written import (
    NAMES,
    comfyui_webp,
    expected,
    golden,
    picture_of,
    png,
    with_comment,
)

from duktus.domain.foreign import ForeignRecipe, Tool
from duktus.rendering.metadata.a1111 import is_parameters, pairs, read_a1111, split
from duktus.rendering.metadata.comfyui import read_comfyui
from duktus.rendering.metadata.explain import explain
from duktus.rendering.metadata.fooocus import read_fooocus
from duktus.rendering.metadata.swarmui import read_swarmui


def flat(found: ForeignRecipe) -> dict[str, object]:
    values = found.model_dump(mode="json")
    values["unmapped"] = [one["name"] for one in values["unmapped"]]
    return values


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_gives_what_was_written_down_by_hand(name):
    found = explain(picture_of(name), name)
    assert found.foreign is not None
    assert flat(found.foreign) == expected(name)
    assert found.recipe is None
    assert found.damage == ()
    assert all(one.why for one in found.foreign.unmapped)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("name", ["a1111.txt", "forge.txt", "swarmui.json"])
def test_the_exif_comment_holds_the_same(kind, name):
    found = explain(with_comment(kind, golden(name)), name)
    assert found.foreign is not None
    assert flat(found.foreign) == expected(name)


def test_other_places_of_the_same_settings():
    webp = explain(comfyui_webp(golden("comfyui.json")), "a.webp")
    assert webp.foreign is not None
    assert flat(webp.foreign) == expected("comfyui.json")
    jpeg = explain(with_comment("JPEG", golden("fooocus.json"), maker="fooocus"), "a.jpg")
    assert jpeg.foreign is not None
    assert flat(jpeg.foreign) == expected("fooocus.json")
    packed = explain(png({"parameters": golden("a1111.txt")}, packed=True), "a.png")
    assert packed.foreign is not None
    assert [block.place for block in packed.blocks] == ["PNG zTXt"]
    bare = explain(png(), "a.png", sidecar=golden("a1111.txt"))
    assert bare.foreign is not None
    assert "text file beside it" in bare.notes[0]
    assert explain(png(), "a.png", sidecar="a woman with red hair, a caption").foreign is None


def test_the_better_description_wins_and_the_other_is_named():
    texts = {"parameters": golden("a1111.txt"), "prompt": golden("comfyui.json"),
             "invokeai_metadata": golden("invokeai.json")}  # fmt: skip
    found = explain(png(texts), "a.png")
    assert found.foreign is not None
    assert found.foreign.tool is Tool.INVOKEAI
    assert found.others == ("A1111", "ComfyUI")


def test_nothing_written_in_a_file_is_ever_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = read_fooocus(golden("fooocus.json"), "fooocus")
    assert found is not None
    assert "touch pwned" in next(one.value for one in found.unmapped if one.name == "styles")
    read_fooocus('{"performance": "x", "resolution": "__import__(\'os\').mkdir(\'pwned\')"}', "fooocus")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a: 1, Steps: 2", [("Steps", "2")]),  # keys have at least two characters
        ('Ab: "x, \\"y\\": z", Cd: 3', [("Ab", 'x, "y": z'), ("Cd", "3")]),
        ('Ab: "open, Cd: 3', [("Ab", '"open'), ("Cd", "3")]),
        ('Ab: "x"y, Cd: 3', [("Ab", '"x"y'), ("Cd", "3")]),
        ("no.dots: 1, x y/z-w: 2", [("dots", "1"), ("x y/z-w", "2")]),
        ("Ab:, Cd:", [("Ab", ""), ("Cd", "")]),
        ('Ab: "", Cd: 1', [("Ab", '""'), ("Cd", "1")]),
    ],
)
def test_pairs_are_split_as_a1111_splits_them(line, found):
    import json
    import re

    theirs = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')

    def unquoted(text):
        return json.loads(text) if len(text) > 2 and text[0] == text[-1] == '"' else text

    assert pairs(line) == found
    assert [(key, unquoted(value)) for key, value in theirs.findall(line)] == found


def test_a_last_line_with_too_few_pairs_belongs_to_the_prompt():
    assert split("a cat\nSteps: 20, Seed: 1") == ("a cat\nSteps: 20, Seed: 1", "", [])
    assert not is_parameters("a: cat, and: dog, with: hat")
    assert read_a1111("just words") is None


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (("Steps: 28", "Steps: -3"), "Steps"),
        (("Seed: 1234567890", "Seed: 1e400"), "Seed"),
        (("Seed: 1234567890", "Seed: " + "9" * 5000), "Seed"),
        (("CFG scale: 5.5", "CFG scale: nan"), "CFG scale"),
        (("CFG scale: 5.5", "CFG scale: 1_0"), "CFG scale"),
        (("Size: 1024x768", "Size: 0x768"), "Size"),
        (("Size: 1024x768", "Size: big"), "Size"),
        (("Sampler: DPM++ 2M", "Sampler: Restart"), "Sampler"),
        (("<lora:atelier-v3:0.85>", "<lora:atelier-v3:much>"), "LoRA"),
        (("Clip skip: 2", "Clip skip: 99"), "Clip skip"),
    ],
)
def test_a_value_out_of_bounds_is_named_and_not_used(change, name):
    found = read_a1111(golden("a1111.txt").replace(*change))
    assert found is not None
    assert name in [one.name for one in found.unmapped]


def test_what_is_only_alike_here_says_how_it_is_asked_for():
    found = read_a1111(
        "a cat\nSteps: 2, Seed: 1, Size: 64x64, Denoising strength: 0.4, Hires upscale: 2, Refiner: sdxl, "
        "ControlNet 0: canny, Variation seed: 5, Variation seed strength: 0.1"
    )
    assert found is not None
    assert (found.denoise, found.variation_seed, found.variation_strength) == (None, 5, 0.1)
    assert {one.name: one.why.partition("--")[2].partition(",")[0] for one in found.unmapped} == {
        "RNG": "",
        "Denoising strength": "hires",
        "Hires upscale": "hires",
        "Refiner": "refiner",
        "ControlNet 0": "control.",
    }
    drawn_over = read_a1111("a cat\nSteps: 2, Seed: 1, Size: 64x64, Denoising strength: 0.4, RNG: CPU")
    assert drawn_over is not None
    assert drawn_over.denoise == 0.4


def test_json_that_is_something_else_is_not_taken_for_settings():
    for text in ("", "{", "[]", "{}", '{"a": 1}', "null", '"x"', "[" * 100_000, '{"a":' * 5_000):
        assert read_swarmui(text) is None
        assert read_fooocus(text, "fooocus") is None
        assert read_comfyui(text) is None


def test_half_a_surrogate_pair_is_replaced_before_anything_is_stored():
    found = read_swarmui('{"sui_image_params": {"prompt": "a \\ud800 b", "\\udc00": "\\udfff", "seed": 1}}')
    assert found is not None
    assert found.prompt == "a ? b"
    assert found.model_dump_json()
    quoted = read_a1111('x\nSteps: 1, Seed: 2, Version: "\\ud800", Odd: "a, \\ud800"')
    assert quoted is not None
    assert quoted.model_dump_json()


def test_a_graph_that_bites_its_tail_ends():
    text = """{"1": {"class_type": "KSampler", "inputs": {"seed": ["2", 0], "steps": ["1", 0],
      "model": ["3", 0], "positive": ["4", 0], "negative": ["4", 0], "latent_image": ["1", 0]}},
      "2": {"class_type": "Seed", "inputs": {"seed": ["2", 0]}},
      "3": {"class_type": "LoraLoader", "inputs": {"model": ["3", 0], "lora_name": 7, "strength_model": "x"}},
      "4": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["4", 0]}}}"""
    found = read_comfyui(text)
    assert found is not None
    assert found.seed is None
    assert {"seed", "LoRA", "positive", "node 4"} <= {one.name for one in found.unmapped}


def test_a_custom_sampler_is_read_by_its_inputs_and_says_so():
    graph = golden("comfyui.json").replace('"KSampler"', '"KSampler (Efficient)"')
    found = read_comfyui(graph)
    assert found is not None
    assert found.seed == 981273918273912
    assert "sampler node" in [one.name for one in found.unmapped]
    none = read_comfyui('{"1": {"class_type": "LoadImage", "inputs": {"image": "x"}}}')
    assert none is not None
    assert none.seed is None
    assert none.unmapped[0].value == "LoadImage"
