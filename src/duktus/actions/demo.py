"""`duktus demo`: the whole path once, on the embedded base and nine sample portraits."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from duktus.actions.demo_measure import measure
from duktus.actions.demo_report import Results, summary, words
from duktus.actions.doctor import doctor
from duktus.actions.progress import Progress, Silent
from duktus.actions.recipes.request import Request
from duktus.actions.sheet import sheet
from duktus.actions.styles import export_style
from duktus.actions.sweep import Swept, sweep
from duktus.actions.teach_style import teach_style
from duktus.actions.teaching.lesson import Lesson
from duktus.actions.verify import verify
from duktus.actions.workspace import Workspace
from duktus.archive.disk import explained
from duktus.archive.store import write_whole
from duktus.domain.errors import ConflictError, InputError
from duktus.miniature import portraits_folder

BASE = "miniature"
STYLE = "contour-wash"
TRIGGER = "sportrait-laz"
SERIES = "portraits"
PROMPT = f"{TRIGGER}, a smiling woman with long hair"
STRENGTHS = (0.0, 0.5, 0.8, 1.0, 1.2)
CFGS = (2.0, 3.5, 5.0)
SEEDS = (3, 8)
FRESH = 24
"""Portraits drawn anew to measure the style on: none of them was seen in teaching."""
MARK = ".duktus-demo"
"""Says that a folder is a demo's and may be replaced by the next."""


@dataclass(frozen=True, slots=True)
class DemoDone:
    """What ``summary.json`` holds, and the same in words."""

    summary: dict[str, Any]
    words: tuple[str, ...]


def demo(
    workspace_at: Callable[[Path], Workspace], out: Path, *, progress: Progress | None = None
) -> DemoDone:
    """Check, teach, sweep, lay the sheet, verify, measure; everything lies in ``out`` afterwards.

    A folder that an earlier demo made is replaced; any other that is not empty is refused.
    """
    told = progress or Silent()
    start = time.monotonic()
    out = out.absolute()
    with explained(out):
        _clear(out)
        workspace = replace(workspace_at(out / "workspace"), base_name=BASE)
        told.say("1 of 5: checking the machine.")
        _check(workspace, told)
        told.say(f"2 of 5: teaching the hand of the nine portraits in {portraits_folder()}.")
        lesson = Lesson(portraits_folder(), STYLE, TRIGGER, template="{trigger}, {caption}")
        taught = teach_style(workspace, lesson, progress=told)
        export_style(workspace, STYLE, out)
        told.say(f"3 of 5: rendering {len(STRENGTHS) * len(CFGS) * len(SEEDS)} pictures.")
        request = Request((PROMPT,), styles=((STYLE, 1.0),), strengths=STRENGTHS, cfgs=CFGS, seeds=SEEDS)
        swept = sweep(workspace, request, name=SERIES, out=out / "pictures", progress=told)
        told.say("4 of 5: laying the contact sheet.")
        sheet(workspace, SERIES, out / "sheet.png")
        sheet(workspace, SERIES, out / "sheet.html")
        told.say("5 of 5: rendering one picture again, and measuring the style on portraits it never saw.")
        verified = verify(workspace, _pick(swept), progress=told)
        fresh = measure(workspace, taught, FRESH)
        results = Results(taught, fresh, FRESH, swept, verified, time.monotonic() - start)
        numbers = summary(workspace, out, results)
        write_whole(out / "summary.json", json.dumps(numbers, indent=2, allow_nan=False).encode())
    return DemoDone(numbers, words(out, results))


def _clear(out: Path) -> None:
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARK).is_file())):
        raise ConflictError(
            f"{out} is there already and is not a demo's.",
            "A demo replaces only what an earlier demo made.",
            "Choose another folder with --out.",
        )
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARK).write_text("Made by duktus demo; the next demo replaces this folder.\n", encoding="utf-8")


def _check(workspace: Workspace, told: Progress) -> None:
    findings = doctor(workspace)
    for one in findings:
        told.say(f"  {one.name}: {one.found}{'' if one.ok else '  <- not well. ' + one.next_step}")
    wrong = next((one for one in findings if not one.ok and one.name in {"base", "missing", "devices"}), None)
    if wrong is not None:
        raise InputError(f"The demo cannot run: {wrong.name}.", wrong.found, wrong.next_step)


def _pick(swept: Swept) -> str:
    """A picture in the middle of the series, made with the style at full strength."""
    full = [one for one in swept.assets if one.recipe.adapters[0].strength == 1.0]
    return full[len(full) // 2].id
