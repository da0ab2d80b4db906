"""A German diary is German: only names that people and programs gave stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.workspaces import BASE, style

from duktus.domain.canonical import sha256_hex
from duktus.domain.changes import changes
from duktus.domain.decision import standing
from duktus.domain.recipe import Recipe
from duktus.domain.style import Outcome
from duktus.rendering.diary import telling
from duktus.rendering.diary.content import Diary, Entry, Taught
from duktus.rendering.diary.words import GERMAN, Words

A, B = sha256_hex(b"a"), sha256_hex(b"b")
PLAIN: Mapping[str, Any] = {
    "base": BASE.ref, "prompt": "a woman", "seed": 1, "steps": 4, "cfg": 3.0, "sampler": "DPM++ 2M",
    "schedule": "Karras", "width": 64, "height": 64,
}  # fmt: skip
CONTROL = {"kind": "line", "name": "depth", "network": A, "picture": A, "weight": 0.7, "end": 0.5}
OVER = {
    "source": {"picture": A, "denoise": 0.5, "extend": {"left": 8, "right": 8}},
    "mask": {"picture": A, "feather": 4},
    "variation": {"seed": 3, "strength": 0.25},
    "controls": [CONTROL, CONTROL | {"kind": "pose"}, CONTROL],
    "references": [{"name": "line", "network": A, "picture": A, "weight": 0.5}],
    "upscale": {"name": "large", "network": A, "factor": 2, "tile": 64, "overlap": 8},
}
OTHERWISE = {
    "source": {"picture": B, "denoise": 0.6, "extend": {"left": 16, "top": 8, "right": 16, "bottom": 8}},
    "mask": {"picture": B, "feather": 8},
    "variation": {"seed": 4, "strength": 0.5},
    "controls": [
        {"kind": "depth", "name": "b", "network": B, "picture": B, "weight": 1.0, "start": 0.1, "end": 0.9}
    ] * 3,
    "references": [{"name": "c", "network": B, "picture": B, "weight": 0.7}],
    "upscale": {"name": "d", "network": B, "factor": 4, "tile": 128, "overlap": 16},
    "seed": 2, "steps": 5, "cfg": 4.0, "guidance": 2.0, "sampler": "Euler", "schedule": "exponential",
    "width": 96, "height": 128, "numerics": {"dtype": "float16", "lane": "draft"}, "weighting": "a1111",
    "clip_skip": 2,
    "adapters": [{"name": "laz", "style": A, "strength": 1.0, "strength_text": 0.5}],
}  # fmt: skip
TWICE = {
    "hires": {"width": 96, "height": 96, "steps": 2, "denoise": 0.5, "by": "latent"},
}
TWICE_OTHERWISE = {
    "hires": {"width": 128, "height": 128, "steps": 3, "denoise": 0.6, "by": "pixel"},
    "adapters": [{"name": "laz", "style": A, "strength": 1.2, "strength_text": 0.7}],
}
LAST = {"refine": {"name": "last", "weights": A, "at": 0.5}}
LAST_OTHERWISE = {"refine": {"name": "other", "weights": B, "at": 0.6}}
WAYS = [({}, OVER), (OVER, OTHERWISE), (OTHERWISE, {}), (TWICE, TWICE_OTHERWISE), (LAST, LAST_OTHERWISE)]


def entry(before: Mapping[str, Any], after: Mapping[str, Any]) -> Entry:
    one, other = (Recipe.model_validate({**PLAIN, **part}) for part in (before, after))
    return Entry(
        2,
        "a-1",
        Path("none"),
        other,
        1,
        changes(one, other),
        "",
        standing(()),
        (),
        datetime(2026, 1, 1, tzinfo=UTC),
    )


class Listening(Words):
    """The German texts, which note what was asked for in vain."""

    def __init__(self) -> None:
        super().__init__("de")
        self.missing: set[str] = set()

    def __getitem__(self, key: str) -> str:
        said = super().__getitem__(key)
        if said == key and GERMAN.get(key) != key:
            self.missing.add(key)
        return said


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_every_parameter_has_a_german_name(way: int) -> None:
    words = Listening()
    told = entry(*WAYS[way])
    assert telling.changed(told, words)
    assert telling.own(Diary("t", "", (told, entry({}, {"seed": 9})), ()), told, words)
    assert words.missing == set()


def test_words_are_translated_and_names_are_not() -> None:
    words = Words("de")
    settings = dict(
        telling.own(Diary("t", "", (entry({}, OVER), entry({}, {"seed": 9})), ()), entry({}, OVER), words)
    )
    picture = A[:12]
    assert settings["übermalt"] == f"{picture}, denoise 0.5, erweitert links 8, erweitert rechts 8".replace(
        "denoise", "Denoise"
    )
    assert settings["Maske"] == f"{picture}, weicher Rand 4"
    assert settings["Vorlage"] == f"Linien, depth, {picture}, Gewicht 0.7, von 0 bis 0.5", "depth is its name"
    assert settings["Vorlage 3"] == settings["Vorlage"]
    assert settings["Vorbild"] == f"line, {picture}, Gewicht 0.5"
    told = dict(telling.changed(entry(OVER, OTHERWISE), words))
    assert told["Clip Skip"] == "- → 2"
    assert told["Bahn"] == "Proof → Entwurf"
    assert told["Art (Vorlage 2)"] == "Pose → Tiefe"
    assert told["Gewicht des Vorbilds"] == "0.5 → 0.7"
    twice = dict(telling.changed(entry(TWICE, TWICE_OTHERWISE), words))
    assert twice["Weg des zweiten Durchgangs"] == "latent → Pixel"
    assert twice["Breite (zweiter Durchgang)"] == "96 → 128"
    assert told["Sampler"] == "DPM++ 2M → Euler"
    assert dict(telling.changed(entry(OVER, OTHERWISE), Words("en")))["control 2 kind"] == "pose → depth"


@pytest.mark.parametrize("outcome", Outcome)
def test_a_verdict_is_told_in_german(outcome: Outcome) -> None:
    taught = style()
    taught = taught.model_copy(update={"verdict": taught.verdict.model_copy(update={"outcome": outcome})})
    (line,) = telling.origins(Diary("t", "", (), (Taught("laz", taught),)), Words("de"))
    assert line.endswith(f"Urteil: {GERMAN[outcome.value]}")
    (line,) = telling.origins(Diary("t", "", (), (Taught("laz", taught),)), Words("en"))
    assert line.endswith(f"verdict: {outcome.value}")
