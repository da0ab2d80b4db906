"""Reading what a person looks for."""

from __future__ import annotations

import pytest

from duktus.archive.search import words_query
from duktus.domain.errors import InputError
from duktus.domain.query import Order, Query, Span, span
from duktus.domain.reading_queries import query_of


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("3.8..4.4", 3.8, 4.4), ("4", 4, 4), ("4..", 4, None), ("..4.4", None, 4.4), ("4.4..3.8", 3.8, 4.4)],
)
def test_ranges(text: str, least: float | None, most: float | None) -> None:
    assert span("cfg", text) == Span(least=least, most=most)


@pytest.mark.parametrize("text", ["", "..", "a..b", "3..4..5", "nan..x"])
def test_what_is_no_range_is_told(text: str) -> None:
    with pytest.raises(InputError, match="not a range"):
        span("cfg", text)


def test_a_query_from_what_was_typed() -> None:
    made = query_of(
        {
            "words": "red hair",
            "cfg": "3.8..4.4",
            "label": "GREEN",
            "since": "2026-03",
            "sampler": "euler",
            "size": "64x128",
            "base": None,
            "style": "",
            "stars": 4,
            "strength": (1.2, 1.3),
        }
    )
    assert made.cfg == Span(least=3.8, most=4.4)
    assert (made.label, made.sampler, made.size, made.style) == ("green", "Euler", (64, 128), None)
    assert (made.stars, made.strength) == (Span(least=4, most=4), Span(least=1.2, most=1.3))


def test_a_saved_query_gives_what_is_not_said() -> None:
    saved = Query(words="red", decision="keep", order=Order.STARS)
    made = query_of({"words": "blue", "order": "newest"}, saved)
    assert made == Query(words="blue", decision="keep", order=Order.STARS)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"decision": "kept"}, "Did you mean 'keep'"),
        ({"label": "pink"}, "Known: red"),
        ({"since": "14.3.2026"}, "not a date"),
        ({"strenght": "1"}, "Did you mean 'strength'"),
    ],
)
def test_what_cannot_be_read_is_told(asked: dict[str, str], word: str) -> None:
    with pytest.raises(InputError, match=word):
        query_of(asked)


@pytest.mark.parametrize(
    ("typed", "expression"),
    [
        ("red hair", '"red" AND "hair"'),
        ('"red hair" a*', '"red hair" AND "a" *'),
        ("red -blue -green", '("red") NOT ("blue" OR "green")'),
        ("red AND (x OR NEAR(y))", '"red" AND "AND" AND "(x" AND "OR" AND "NEAR(y))"'),
        ("red ! _", '"red"'),
    ],
)
def test_nothing_typed_is_syntax(typed: str, expression: str) -> None:
    assert words_query(typed) == expression


@pytest.mark.parametrize("typed", ["-blue", "!", '""'])
def test_words_to_leave_out_need_one_to_look_for(typed: str) -> None:
    with pytest.raises(InputError, match="no word to look for"):
        words_query(typed)
