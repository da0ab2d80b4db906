import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support import sheets

from duktus.domain.decision import DecisionKind, Label, Standing
from duktus.domain.series import Axis
from duktus.rendering.sheet import SheetCell, sheet_html, web
from duktus.rendering.sheet.words import ENGLISH, GERMAN, Words

STRENGTH = Axis(name="strength", values=(0.0, 1.0))
CFG = Axis(name="cfg", values=(3.0, 5.0))
SEED = Axis(name="seed", values=(1, 2))

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Reads a page and refuses one whose elements are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def laid(
    tmp_path: Path,
    title: str,
    axes: Sequence[Axis],
    cells: Sequence[SheetCell],
    *,
    notes: Sequence[str] = (),
    lang: str = "en",
) -> str:
    out = tmp_path / "sheet.html"
    sheet_html(title, axes, cells, out, notes=notes, lang=lang)
    return out.read_text("utf-8")


def test_the_table_has_a_heading_for_every_row_and_column(tmp_path: Path) -> None:
    axes = [STRENGTH, CFG, SEED]
    page = Page(laid(tmp_path, "A hand", axes, sheets.sweep(tmp_path, axes)))
    assert len(page.of("table")) == 2
    scopes = [th["scope"] for th in page.of("th")]
    assert scopes.count("col") == scopes.count("row") == 4
    alts = [img["alt"] for img in page.of("img") if img.get("alt")]
    assert len(alts) == len(set(alts)) == 8
    assert "Picture 1: strength 0, cfg 3, seed 1" in alts


def test_pictures_are_embedded_byte_for_byte(tmp_path: Path) -> None:
    one = sheets.cell(tmp_path, (), sheets.recipe())
    text = laid(tmp_path, "One", [], [one])
    source = re.search(r'src="data:image/png;base64,([^"]+)"', text)
    assert source
    assert base64.b64decode(source[1]) == one.path.read_bytes()


def test_a_large_series_is_embedded_as_previews_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "EMBED_WHOLE", 10)
    text = laid(tmp_path, "One", [], [sheets.cell(tmp_path, (), sheets.recipe())])
    assert "data:image/webp" in text
    assert Words("en").fill("previews", pixels=web.PREVIEW_SIDE) in text


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    text = laid(tmp_path, "One", [], [sheets.cell(tmp_path, (), sheets.recipe())])
    page = Page(text)
    policy = next(m["content"] or "" for m in page.of("meta") if m.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src data:; font-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in re.sub(r"base64,[^\"]+", "", text).replace("http-equiv", "")
    assert not any("style" in attributes for _, attributes in page.elements)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_the_users_words_are_text_and_never_markup(tmp_path: Path) -> None:
    hostile = "</style><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
    of = sheets.recipe(prompt=hostile, negative_prompt=hostile)
    standing = Standing(verdict=DecisionKind.KEEP, reason=hostile)
    text = laid(tmp_path, hostile, [], [sheets.cell(tmp_path, (), of, standing)], notes=(hostile,))
    page = Page(text)
    assert len(page.of("script")) == 1
    assert not any("onerror" in attributes for _, attributes in page.elements)


def test_what_all_pictures_began_from_stands_at_the_top(tmp_path: Path) -> None:
    source = {"picture": "3" * 64, "denoise": 0.5}
    cells = [sheets.cell(tmp_path, (seed,), sheets.recipe(seed=seed, source=source)) for seed in (1, 2)]
    text = laid(tmp_path, "Over", [SEED], cells)
    assert "333333333333, denoise 0.5" in text
    assert "übermalt" in laid(tmp_path, "Over", [SEED], cells, lang="de")


def test_differences_name_the_axis_and_the_mean_change(tmp_path: Path) -> None:
    axes = [STRENGTH, CFG]
    cells = sheets.sweep(tmp_path, axes)
    text = laid(tmp_path, "Differences", axes, cells)
    a, b = (np.asarray(Image.open(cells[i].path)).astype(int) for i in (0, 2))
    percent = Words("en").percent(float(np.abs(a - b).mean()) / 255)
    assert f"<i>strength</i> 0 → 1: <b>{percent} %</b>" in text
    assert '<li class="same"><i>cfg</i> 3 → 5: <b>identical</b></li>' in text


def test_decisions_missing_files_and_empty_places_are_said(tmp_path: Path) -> None:
    axes = [STRENGTH, CFG]
    cells = sheets.sweep(tmp_path, axes)
    kept = Standing(verdict=DecisionKind.KEEP, stars=4, label=Label.GREEN)
    cells[0] = replace(cells[0], standing=kept, collections=("wall", "a <b>"))
    cells[1] = replace(cells[1], standing=Standing(verdict=DecisionKind.DISCARD))
    cells[2] = replace(cells[2], path=tmp_path / "nowhere.png")
    text = laid(tmp_path, "Said", axes, cells[:3], notes=("cfg changed nothing.",))
    assert "kept, 4 stars, label green" in text
    assert '<span class="label green" role="img" title="label green" aria-label="label green">' in text
    assert "in wall, a &lt;b&gt;" in text
    assert "The picture file is missing" in text
    assert "nowhere.png" in text
    assert "not rendered yet" in text
    assert "cfg changed nothing." in text
    assert "3 of 4 pictures, 1 kept, 1 discarded, 1 labelled green" in text


def test_the_same_series_gives_the_same_file(tmp_path: Path) -> None:
    axes = [STRENGTH]
    cells = sheets.sweep(tmp_path, axes)
    assert laid(tmp_path, "t", axes, cells) == laid(tmp_path, "t", axes, cells)


def test_both_languages_say_everything(tmp_path: Path) -> None:
    assert ENGLISH.keys() == GERMAN.keys()
    for key, text in ENGLISH.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", GERMAN[key]))
    text = laid(tmp_path, "t", [STRENGTH], sheets.sweep(tmp_path, [STRENGTH]), lang="de")
    assert '<html lang="de">' in text
    assert "Stärke" in text


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0.00"), (1e-9, "<0.01"), (0.004, "0.40"), (0.123, "12.3")]
)
def test_percentages_never_hide_a_change(share: float, said: str) -> None:
    assert Words("en").percent(share) == said
    assert Words("de").percent(share) == said.replace(".", ",")
