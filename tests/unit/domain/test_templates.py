"""The grammar of Dynamic Prompts, as its document describes it."""

from __future__ import annotations

import pytest

from duktus.domain import templates
from duktus.domain.errors import InputError

LISTS = {
    "colours": ["red", "blue"],
    "hair/short": ["bob", "__colours__ crop"],
    "hair/long": ["braid"],
    "portrait": ["${who} in ${colour:grey}"],
    "loop": ["__loop__"],
}


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
        ("{a|{b|c}}", ["a", "b", "c"]),
        ("a{| cat}", ["a", "a cat"]),
        ("{2$$a|b}", ["a, b", "b, a"]),
        ("{1-2$$ and $$a|b}", ["a", "b", "a and b", "b and a"]),
        ("{2-$$a|b}", ["a, b", "b, a"]),
        ("{-1$$a|b}", ["a", "b"]),
        ("{5$$a|b}", ["a, b", "b, a"]),
        ("{0::a|0.5::b}", ["b"]),
        ("__colours__ hat", ["red hat", "blue hat"]),
        ("__hair/*__", ["braid", "bob", "red crop", "blue crop"]),
        ("{2$$__colours__}", ["red, blue", "blue, red"]),
        ("${c=!__colours__} ${c} on ${c}", ["red on red", "blue on blue"]),
        ("${c={x|y}}${c}${c}", ["xx", "xy", "yx", "yy"]),
        ("${c:nothing}", ["nothing"]),
        ("__portrait(who=a man)__", ["a man in grey"]),
        ("one\n  # left out\n  two", ["one two"]),
        (r"\{a\|b\} snake__case", ["{a|b} snake__case"]),
    ],
)
def test_every_prompt(text: str, prompts: list[str]) -> None:
    assert templates.is_template(text)
    assert templates.every(text, LISTS) == prompts
    assert set(templates.draw(text, LISTS, 30, seed=1)) <= set(prompts)


def test_drawing_goes_on_where_it_was_and_follows_its_seed() -> None:
    text = "{a|b|c|d|e} {f|g|h|i|j} __colours__"
    few, more = templates.draw(text, LISTS, 4, seed=7), templates.draw(text, LISTS, 9, seed=7)
    assert more[: len(few)] == few
    assert len(more) > len(few)
    assert templates.draw(text, LISTS, 4, seed=8) != few
    assert few == ["d j blue", "e h blue", "e j red", "c i red"]  # on every machine and Python


def test_weights_are_followed() -> None:
    drawn = [templates.draw("{9::a|1::b}", {}, 1, seed=seed)[0] for seed in range(400)]
    assert 330 < drawn.count("a") < 390


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a {b", "never closed (at letter 5)"),
        ("a} b", "closes nothing (at letter 2)"),
        ("{3-1$$a|b}", "3-1 is no range"),
        ("{~a|b}", "sampler"),
        ("{0::a}", "weight 0"),
        ("${", "not followed by a name"),
        ("__loop__", "leads to itself"),
        ("__colour__", "'__colours__'"),
        ("${who}", "never set"),
        ("__portrait(who)__", "name=value"),
        ("{1-9$$a|b|c|d|e|f|g}", "more than 1000 prompts"),
        ("{a|" * 30 + "b" + "}" * 30, "nested more than 20"),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        templates.every(text, LISTS)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["plain (text:1.2)", "{a|b} __x__ ${y}", "# no comment", "a_b __ c", "a|b"])
def test_a_prompt_can_be_kept_as_it_is(text: str) -> None:
    assert templates.every(templates.literal(text), {}) == [text]


def test_as_many_different_prompts_are_drawn_as_asked_for_or_as_there_are() -> None:
    template = "{a|b|c} {1|2|3}"
    drawn = templates.draw(template, {}, 8, 6)
    assert len(set(drawn)) == len(drawn) == 8
    assert templates.draw(template, {}, 3, 6) == drawn[:3]
    assert sorted(templates.draw(template, {}, 20, 6)) == sorted(templates.every(template, {}))
