from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support import sheets

from duktus.domain.decision import DecisionKind, Label, Standing
from duktus.domain.errors import InputError
from duktus.domain.series import Axis
from duktus.rendering.sheet import SheetCell, measures, sheet_png
from duktus.rendering.sheet.paper import ACCENT, GROUND, LABELS, Type

STRENGTH = Axis(name="strength", values=(0.0, 0.5, 1.0))
CFG = Axis(name="cfg", values=(3.0, 5.0))
SEED = Axis(name="seed", values=(1, 2))
SAMPLER = Axis(name="sampler", values=("Euler", "DPM++ 2M"))


def laid(
    tmp_path: Path, title: str, axes: Sequence[Axis], cells: Sequence[SheetCell], notes: Sequence[str] = ()
) -> np.ndarray:
    out = tmp_path / "sheet.png"
    sheet_png(title, axes, cells, out, notes=notes)
    return np.asarray(Image.open(out).convert("RGB"))


def has(page: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((page == colour).all(axis=-1).any())


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_any_number_of_axes_gives_a_page_with_margins(tmp_path: Path, n: int) -> None:
    axes = [STRENGTH, CFG, SEED, SAMPLER][:n]
    page = laid(tmp_path, "A hand", axes, sheets.sweep(tmp_path, axes))
    edge = measures.MARGIN // 2
    for margin in (page[:edge], page[-edge:], page[:, :edge], page[:, -edge:]):
        assert (margin == GROUND).all()
    assert not (page[edge:-edge, edge:-edge] == GROUND).all()


def test_the_picture_itself_is_on_the_page_enlarged_whole_times(tmp_path: Path) -> None:
    one = sheets.cell(tmp_path, (), sheets.recipe())
    page = laid(tmp_path, "One", [], [one])
    shown = Image.open(one.path).resize((512, 512), Image.Resampling.LANCZOS)
    found = np.asarray(shown)
    rows = np.flatnonzero((page[:, measures.MARGIN] == found[0, 0]).all(axis=-1))
    assert any(
        np.array_equal(page[r : r + 512, measures.MARGIN : measures.MARGIN + 512], found) for r in rows
    )


def test_the_same_series_gives_the_same_bytes(tmp_path: Path) -> None:
    axes = [STRENGTH, CFG]
    cells = sheets.sweep(tmp_path, axes)
    for name in ("a.png", "b.png"):
        sheet_png("Twice", axes, cells, tmp_path / name, notes=("A note.",))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_kept_pictures_are_framed_and_discarded_ones_dimmed(tmp_path: Path) -> None:
    plain = sheets.cell(tmp_path, (), sheets.recipe())
    assert not has(laid(tmp_path, "t", [], [plain]), ACCENT)
    kept = replace(plain, standing=Standing(verdict=DecisionKind.KEEP, stars=4))
    page = laid(tmp_path, "t", [], [kept])
    assert (page == ACCENT).all(axis=-1).sum() > 4 * 500 * 3
    discarded = replace(plain, standing=Standing(verdict=DecisionKind.DISCARD))
    dimmed = laid(tmp_path, "t", [], [discarded])
    picture = dimmed[340:800, 90:580].astype(int)
    assert np.abs(picture - GROUND).mean() < 0.5 * np.abs(page[340:800, 90:580].astype(int) - GROUND).mean()


def test_colour_labels_and_collections_are_told_beside_the_id(tmp_path: Path) -> None:
    plain = sheets.cell(tmp_path, (), sheets.recipe())
    bare = laid(tmp_path, "t", [], [plain])
    red = laid(tmp_path, "t", [], [replace(plain, standing=Standing(label=Label.RED))])
    assert 40 < (red == LABELS[Label.RED]).all(axis=-1).sum() < 200, "a dot"
    assert not any(has(red, colour) for label, colour in LABELS.items() if label is not Label.RED)
    collected = laid(tmp_path, "t", [], [replace(plain, collections=("wall", "zine " * 40))])
    assert collected.shape == (bare.shape[0] + measures.CAPTION_LINE, *bare.shape[1:])


def test_missing_broken_and_oversized_files_are_said_and_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = [STRENGTH]
    cells = sheets.sweep(tmp_path, axes)
    broken = tmp_path / "broken.png"
    broken.write_bytes(cells[1].path.read_bytes()[:200])
    cells[0] = replace(cells[0], path=tmp_path / "nowhere.png")
    cells[1] = replace(cells[1], path=broken)
    page = laid(tmp_path, "Honest", axes, cells)
    whole = laid(tmp_path, "Honest", axes, sheets.sweep(tmp_path, axes))
    assert page.shape == whole.shape
    assert not np.array_equal(page, whole)
    monkeypatch.setattr("duktus.rendering.sheet.pictures.MAX_PIXELS", 100)
    assert laid(tmp_path, "Honest", axes, cells).shape == whole.shape


def test_a_long_prompt_makes_the_page_longer_not_wider(tmp_path: Path) -> None:
    short = laid(tmp_path, "t", [], [sheets.cell(tmp_path, (), sheets.recipe())])
    text = "sportrait-laz, " + "an uncommonly long description of a face, " * 60 + "x" * 400
    long = laid(tmp_path, "t" * 300, [], [sheets.cell(tmp_path, (), sheets.recipe(prompt=text))])
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0] + 300
    assert (long[:, -measures.MARGIN // 2 :] == GROUND).all()


def test_a_wrapped_line_is_never_wider_than_its_room() -> None:
    face = Type(20)
    text = "word " * 50 + "y" * 300 + "\nnext"
    lines = face.wrap(text, 300)
    assert all(face.width(line) <= 300 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert lines[-1] == "next"


def test_very_many_pictures_are_reduced_with_a_note_and_too_many_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = [Axis(name="seed", values=(1, 2, 3, 4)), CFG]
    cells = sheets.sweep(tmp_path, axes)
    whole = laid(tmp_path, "Many", axes, cells)
    monkeypatch.setattr(measures, "MAX_AREA", whole.shape[0] * whole.shape[1] * 3 // 4)
    assert laid(tmp_path, "Many", axes, cells).shape[0] < whole.shape[0]
    monkeypatch.setattr(measures, "MAX_AREA", 1000)
    with pytest.raises(InputError, match="do not fit"):
        sheet_png("Many", axes, cells, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_an_empty_series_still_gives_a_page(tmp_path: Path) -> None:
    assert laid(tmp_path, "Nothing yet", [STRENGTH, CFG], []).size
    assert laid(tmp_path, "Nothing at all", [], []).size


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not speak"):
        sheet_png("t", [], [], tmp_path / "x.png", lang="xx")
