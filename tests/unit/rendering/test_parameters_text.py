from __future__ import annotations

import re

import pytest
from tests.support.recipes import recipe

import duktus
from duktus.domain.recipe import AdapterRef
from duktus.rendering.parameters_text import parameters_text, slug

A1111_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""The grammar by which A1111 and Forge read the last line."""

CIVITAI_TAG = re.compile(r"<(?:lora|hypernet):[a-zA-Z0-9_.\-]+:[0-9.]+>")


@pytest.fixture
def one(tiny):
    return recipe(
        tiny,
        prompt="harbour at dusk,\ngouache",
        negative_prompt="blurry,\nlow: quality",
        cfg=5.5,
        adapters=[
            AdapterRef(name="Atelier Süd v3", style="ab" * 32, strength=0.85),
            AdapterRef(name="off", style="cd" * 32, strength=-0.5),
        ],
    )


def test_the_text_is_what_the_field_expects(one):
    assert parameters_text(one).split("\n") == [
        "harbour at dusk, gouache <lora:Atelier-S-d-v3:0.85>",
        "Negative prompt: blurry, low: quality",
        (
            "Steps: 4, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 1, Size: 64x64, "
            'Model: miniature, RNG: CPU, Lora hashes: "Atelier-S-d-v3: abababababab, off: cdcdcdcdcdcd", '
            f"Version: duktus {duktus.__version__}"
        ),
    ]


def test_the_readers_of_the_field_can_read_it(one):
    text = parameters_text(one)
    pairs = dict(A1111_PAIR.findall(text.splitlines()[-1]))
    assert pairs["Seed"] == "1"
    assert pairs["Sampler"] == "DPM++ 2M"
    assert len(pairs) >= 3
    assert "\nNegative prompt: " in text
    assert "\nSteps: " in text
    assert len(CIVITAI_TAG.findall(text)) == text.count("<lora:") == 1


def test_a_word_is_no_tag_but_a_hash_under_its_own_key(tiny):
    word = AdapterRef(name="ink", style="ef" * 32, strength=1, word="inkwash")
    text = parameters_text(recipe(tiny, prompt="inkwash, a harbour", adapters=[word]))
    assert "<lora" not in text
    assert dict(A1111_PAIR.findall(text.splitlines()[-1]))["TI hashes"] == '"inkwash: efefefefefef"'
    assert "Lora hashes" not in text


def test_an_empty_negative_prompt_still_has_its_line(tiny):
    assert parameters_text(recipe(tiny)).splitlines()[1] == "Negative prompt: "


@pytest.mark.parametrize(("name", "expected"), [("laz", "laz"), ("a b:c>d", "a-b-c-d"), ("漢字", "unnamed")])
def test_names_become_ascii(name, expected):
    assert slug(name) == expected
