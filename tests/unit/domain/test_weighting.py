"""Brackets mean what A1111's documentation says they mean."""

from __future__ import annotations

import pytest
from tests.support.workspaces import recipe

from duktus.domain.weighting import chunks, marked, weighed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a plain text", [("a plain text", 1.0)]),
        ("", [("", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        ("(never closed", [("never closed", 1.1)]),
        ("a [quiet] word", [("a ", 1.0), ("quiet", 1 / 1.1), (" word", 1.0)]),
        (r"\(plain\]", [("(plain]", 1.0)]),
        ("(two)(neighbours)", [("twoneighbours", 1.1)]),
        ("closes) nothing: 1.2)", [("closes) nothing: 1.2)", 1.0)]),
        ("(a:b:1.5)", [("a:b", 1.5)]),
        ("(nothing:0)", [("nothing", 0.0)]),
        ("((nested:1.3) more)", [("nested", 1.3 * 1.1), (" more", 1.1)]),
        (
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
            [
                ("a ", 1.0),
                ("house", 1.573),
                (" ", 1.1),
                ("on", 1.0),
                (" a ", 1.1),
                ("hill", 0.55),
                (", sun, ", 1.1),
                ("sky", 1.4641),
                (".", 1.1),
            ],
        ),
    ],
)
def test_brackets(text: str, expected: list[tuple[str, float]]) -> None:
    found = chunks(text)
    assert [part for part, _ in found] == [part for part, _ in expected]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in expected])


def test_a_text_without_marks_is_none_of_its_business() -> None:
    assert not marked("red hair, 1.5:1")
    assert marked("(red) hair")
    assert marked(r"red \(hair\)")
    assert weighed("a (very red:1.3) hat (in brackets)") == "(very red:1.3)"
    assert weighed("a hat (in brackets)") == ""


def test_a_recipe_without_weights_keeps_its_id() -> None:
    plain = recipe()
    assert "weighting" not in plain.as_json()
    assert plain.id == "r-37b9b2feb83d494a"
    assert recipe(weighting="a1111").id != plain.id
