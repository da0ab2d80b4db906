from __future__ import annotations

import pytest

from duktus.domain import axes
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1", [1]),
        ("0.8,1.0, 1.2", [0.8, 1.0, 1.2]),
        ("0..1/5", [0, 0.25, 0.5, 0.75, 1]),
        ("1.2..0.8/3", [1.2, 1.0, 0.8]),
        ("1..4", [1, 2, 3, 4]),
        ("-1..1/3", [-1, 0, 1]),
        ("0,0.5..1/3,1", [0, 0.5, 0.75, 1]),
        ("0..0.3/4", [0, 0.1, 0.2, 0.3]),
        ("5..5/1", [5]),
        ("1e-1", [0.1]),
        ("1, 2, .., 5", [1, 2, 3, 4, 5]),
        ("0.5, 0.4, ..., 0.2, 0", [0.5, 0.4, 0.3, 0.2, 0]),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    assert axes.numbers("cfg", text) == values


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "",
        "1,,2",
        "nan",
        "inf",
        "0..x/3",
        "0..1/0",
        "0..1/many",
        "0..1/",
        "0.5..0.9",
        "0..1/2000",
        "..",
        "1, .., 3",
        "1, 2, ..",
        "1, 3, .., 4",
        "1, 1, .., 4",
    ],
)
def test_what_is_no_number_is_named_with_an_example(text: str) -> None:
    with pytest.raises(InputError) as caught:
        axes.numbers("strength", text)
    assert caught.value.what.startswith("strength")
    assert caught.value.why
    assert "Write for instance" in caught.value.next_step


def test_the_error_of_the_acceptance_table() -> None:
    with pytest.raises(InputError, match=r"strength 'abc' is not a number\."):
        axes.numbers("strength", "abc")


def test_whole_numbers_refuse_fractions() -> None:
    assert axes.whole_numbers("seed", "3,1..2") == [3, 1, 2]
    with pytest.raises(InputError, match="not a whole number"):
        axes.whole_numbers("seed", "1.5")


def test_samplers_are_found_whatever_the_writing() -> None:
    assert axes.samplers(["dpm++ 2m|Euler A", "UniPC"]) == [Sampler.DPMPP_2M, Sampler.EULER_A, Sampler.UNIPC]
    assert axes.schedules(["karras"]) == [Schedule.KARRAS]


def test_an_unknown_sampler_names_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        axes.samplers(["DPM+ 2M"])
    assert "'DPM++ 2M'" in caught.value.next_step
    assert "Euler" in caught.value.why


def test_sizes() -> None:
    assert axes.sizes("128,128x160") == [(128, 128), (128, 160)]
    for wrong in ("big", "12x12", "130", "128x128x128", "9000"):
        with pytest.raises(InputError, match="size"):
            axes.sizes(wrong)


def test_style_with_strength() -> None:
    assert axes.style_strength("hand") == ("hand", 1.0)
    assert axes.style_strength("hand:0.8") == ("hand", 0.8)
    with pytest.raises(InputError, match="strength ''"):
        axes.style_strength("hand:")


def test_a_bar_between_braces_belongs_to_the_text() -> None:
    assert axes.texts(["a {b|c} d | e", r"f\|g"]) == ["a {b|c} d", "e", r"f\|g"]


def test_search_and_replace_is_read_as_a1111_reads_it() -> None:
    assert axes.search_replace('red hair, "grey, short hair" ,bald') == (
        "red hair",
        "grey, short hair",
        "bald",
    )
    for wrong in ("red", "", ",x"):
        with pytest.raises(InputError, match="put in place"):
            axes.search_replace(wrong)


def test_cells_to_skip() -> None:
    assert axes.pairs("skip", "strength=0, cfg = 5") == (("strength", "0"), ("cfg", "5"))
    with pytest.raises(InputError, match="no ="):
        axes.pairs("skip", "strength")


def test_a_name_with_a_schedule_in_it_is_taken_apart_in_the_message() -> None:
    with pytest.raises(InputError, match="--sampler 'DPM\\+\\+ 2M' --schedule Karras"):
        axes.samplers(["DPM++ 2M Karras"])


def test_a_bar_between_square_brackets_does_not_separate() -> None:
    assert axes.texts(["a [cat|dog] | a {x|y}"]) == ["a [cat|dog]", "a {x|y}"]
