"""A documented log of forty pictures, each a small change from the one before, replayed, told as a diary."""

from __future__ import annotations

import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from tests.journey.conftest import STYLE, Studio
from tests.support.workspaces import Ran

import duktus
from duktus.domain.asset import Asset
from duktus.domain.changes import fragments
from duktus.notebook import Workspace

Cli = Callable[..., Ran]

LOG = Path(__file__).parents[1] / "data" / "art_direction_log.toml"
ROWS: list[dict[str, Any]] = tomllib.loads(LOG.read_text("utf-8"))["row"]
PROMPT = {"prompt", "swap", "drop", "add"}
NEGATIVE = {"negative", "negative_swap", "negative_drop", "negative_add"}

pytestmark = pytest.mark.slow


def replay(ws: Workspace) -> list[Asset]:
    """Row after row, each from the one above; a repeated row takes the next seed (none is documented)."""
    first = ROWS[0]
    style = f"{STYLE}:{first['strength']}"
    pictures = ws.render(first["prompt"], style=style, seed=1, aim=first["aim"])
    for row in ROWS[1:]:
        changes = {key: value for key, value in row.items() if key not in {"id", "aim", "repeat"}}
        if row.get("repeat"):
            changes["seed"] = pictures[-1].recipe.seed + 1
        pictures += ws.go_on(pictures[-1], aim=row.get("aim", ""), **changes)
    return pictures


def expected(row: dict[str, Any]) -> set[str]:
    """The parameters that the log says were changed in a row."""
    names = {f"strength of {STYLE}"} if "strength" in row else set[str]()
    names |= {"cfg"} if "cfg" in row else set()
    names |= {"prompt"} if PROMPT & set(row) else set()
    names |= {"negative_prompt"} if NEGATIVE & set(row) else set()
    return names | ({"seed"} if row.get("repeat") else set())


def test_the_log_comes_out_as_a_diary_that_names_what_changed_and_why(
    cli: Cli, studio: Studio, tmp_path: Path
) -> None:
    assert len(ROWS) == 40
    ws = duktus.open(studio.root)
    pictures = replay(ws)
    ws.keep(pictures[-1], reason="the last state of the log")
    ws.rate(pictures[-1], stars=4)
    assert len({one.id for one in pictures}) == 40

    way = ws.log(pictures[-1])
    assert [step.picture.id for step in way.steps] == [one.id for one in pictures]
    for row, step in zip(ROWS[1:], way.steps[1:], strict=True):
        assert step.descent is not None
        changed = {change.name for change in step.descent.changes}
        assert changed == expected(row), row["id"]
        assert (step.aim.text if step.aim else "") == row.get("aim", "")
    assert "cyan" in fragments(pictures[14].recipe.prompt)
    assert pictures[16].recipe.negative_prompt.count("fog") == 2
    assert (pictures[-1].recipe.adapters[0].strength, pictures[-1].recipe.cfg) == (1.31, 3.8)

    check_markdown(ws.diary(pictures[-1], tmp_path / "diary.md", title="Forty pictures").read_text("utf-8"))
    assert len(list((tmp_path / "diary.pictures").iterdir())) == 40
    check_html(ws.diary(pictures[-1], tmp_path / "diary.html").read_text("utf-8"))
    check_pdf(ws.diary(pictures[-1], tmp_path / "diary.pdf", title="Forty pictures", language="de"))
    check_log(cli, studio, pictures, tmp_path)


def check_markdown(text: str) -> None:
    entries = text.split("\n### ")[1:]
    assert len(entries) == 40
    for number, (row, entry) in enumerate(zip(ROWS, entries, strict=True), start=1):
        body = entry.partition("\n## ")[0]
        assert body.startswith(f"{number} · a-")
        told = [line for line in body.splitlines() if line.startswith("- ")]
        for part in row.get("add", []) if number > 1 else []:
            assert all(f"“{piece}”" in body for piece in fragments(part)), row
        if set(row) <= {"id", "cfg"}:
            assert len(told) == 1
            assert told[0].startswith("- cfg: ")
            assert told[0].endswith(f"→ {row['cfg']:g}")
        if row.get("repeat"):
            assert [line.partition(":")[0] for line in told] == ["- seed"]
    aims = [row["aim"] for row in ROWS if "aim" in row]
    assert [
        line.removeprefix("## Sought: ") for line in text.splitlines() if line.startswith("## Sought")
    ] == aims
    assert "**kept: the last state of the log** (" in entries[-1]
    assert "40 pictures, 1 kept, 39 undecided" in text
    assert "- **P1** sportrait-laz portrait\n" in text


def check_html(text: str) -> None:
    assert text.count("<article") == 40
    assert text.count('<img src="data:image/png;base64,') == 40
    assert "Sought</i> greenish skin tones" in text
    assert '<article class="keep"' in text
    assert "default-src 'none'" in text
    assert "http://" not in text
    assert "https://" not in text


def check_pdf(path: Path) -> None:
    document = pypdfium2.PdfDocument(path)
    try:
        assert 8 <= len(document) <= 24
        text = "\n".join(page.get_textpage().get_text_range() for page in document)
        sizes = {tuple(round(side) for side in page.get_size()) for page in document}
    finally:
        document.close()
    flat = " ".join(text.split())
    assert sizes == {(595, 842)}
    assert "Gesucht: greenish skin tones" in flat
    assert "behalten: the last state of the log" in flat
    assert "Stärke: 1.29 → 1.31" in flat
    assert "warm skin tones" in flat


def check_log(cli: Cli, studio: Studio, pictures: list[Asset], tmp_path: Path) -> None:
    last = pictures[-1].id
    ran = cli(studio.root, "log", last)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"9 training pictures -> style {STYLE}")
    assert f"strength of {STYLE} 1.29 -> 1.31" in ran.out
    document = cli(studio.root, "log", last, "--json").document["log"]
    assert len(document["styles"][0]["training_pictures"]) == 9
    assert [step["id"] for step in document["steps"]] == [one.id for one in pictures]
    mermaid = cli(studio.root, "log", last, "--graph", "mermaid").out
    assert mermaid.startswith("flowchart TD")
    assert mermaid.count("-->") == 2 + 1 + 39
    dot = cli(studio.root, "log", last, "--graph", "dot").out
    assert dot.count("->") - dot.count(" => ") >= 42
    assert cli(studio.root, "log", last, "--out", str(tmp_path / "way.svg")).code == 0
    drawn = ET.parse(tmp_path / "way.svg").getroot()  # noqa: S314 - our own file
    images = [one for one in drawn.iter() if one.tag.endswith("image")]
    assert len(images) == 40
    assert cli(studio.root, "log", last, "--out", str(tmp_path / "way.txt")).code == 2
