from __future__ import annotations

import pytest

from duktus.domain import beginning_words as words
from duktus.domain.beginning import ControlKind, Extend
from duktus.domain.errors import InputError


def test_shapes_are_read_in_pixels_and_per_cent() -> None:
    circle = words.shape("circle:64,40,20")
    assert circle is not None
    assert [one.of(200) for one in circle.numbers] == [64, 40, 20]
    rect = words.shape(" Rect:0, 12.5 ,50%,100%")
    assert rect is not None
    assert rect.kind == "rect"
    assert [one.of(200) for one in rect.numbers] == [0, 12.5, 100, 200]
    assert words.shape("mask.png") is None
    assert words.shape("alpha") is None


@pytest.mark.parametrize("text", ["circle:1,2", "rect:1,2,3", "circle:a,b,c", "circle:-1,2,3", "rect:"])
def test_what_begins_as_a_shape_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--mask circle"):
        words.shape(text)


def test_sides_to_extend() -> None:
    assert words.extend("left=64, Top=32") == Extend(left=64, top=32)
    assert words.extend("16") == Extend(left=16, top=16, right=16, bottom=16)


@pytest.mark.parametrize(
    "text", ["", "left", "left=7", "left=-8", "up=8", "left=8,left=8", "8,left=8", "9000"]
)
def test_sides_that_cannot_be_used_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="multiples of 8"):
        words.extend(text)


def test_larger_sizes() -> None:
    assert words.hires_size("2x", (64, 96)) == (128, 192)
    assert words.hires_size("1.5X", (64, 72)) == (96, 112), "rounded to multiples of 8"
    assert words.hires_size("128x192", (64, 96)) == (128, 192)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("big", "factor"),
        ("1x", "not larger"),
        ("0.5x", "not larger"),
        ("128x128", "proportions"),
        ("130x195", "multiples"),
        ("200x", "8192"),
    ],
)
def test_sizes_that_cannot_be_used_are_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        words.hires_size(text, (64, 96))


def test_controls() -> None:
    plain = words.control("line:my sketch.png")
    assert (plain.kind, plain.name, plain.picture) == (ControlKind.LINE, None, "my sketch.png")
    assert (plain.weight, plain.start, plain.end) == (1.0, 0.0, 1.0)
    whole = words.control("Depth@mine:C:/pictures/a.png:0.8:0.1-.6")
    assert (whole.name, whole.picture) == ("mine", "C:/pictures/a.png")
    assert (whole.weight, whole.start, whole.end) == (0.8, 0.1, 0.6)
    assert words.control("pose:a-0123456789abcdef:0.5").picture == "a-0123456789abcdef"


@pytest.mark.parametrize("text", ["", "line", "line:", "shadow:a.png"])
def test_controls_that_cannot_be_used_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="KIND:PICTURE"):
        words.control(text)


def test_references() -> None:
    plain = words.reference("my muse.png")
    assert (plain.name, plain.picture, plain.weight) == (None, "my muse.png", 1.0)
    whole = words.reference("mine@C:/pictures/a.png:0.8")
    assert (whole.name, whole.picture, whole.weight) == ("mine", "C:/pictures/a.png", 0.8)
    assert words.reference("a-0123456789abcdef:0.5").picture == "a-0123456789abcdef"
    assert words.reference("folder/me@home.png").picture == "folder/me@home.png"
    with pytest.raises(InputError, match="PICTURE"):
        words.reference(" ")
