"""`duktus demo`: the whole path once, on the embedded base and nine sample portraits."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from duktus.actions.devices import pick_device
from duktus.actions.doctor import doctor
from duktus.actions.planning import Request
from duktus.actions.progress import Progress, Silent
from duktus.actions.reports import finite, series_json, style_json
from duktus.actions.sheet import sheet
from duktus.actions.styles import export_style
from duktus.actions.sweep import Swept, sweep
from duktus.actions.teach_style import Lesson, StyleTaught, teach_style
from duktus.actions.verify import Verified, verify
from duktus.actions.workspace import Workspace
from duktus.archive.disk import explained
from duktus.archive.store import write_whole
from duktus.domain.errors import ConflictError, InputError
from duktus.miniature import portraits_folder, world
from duktus.training import read_training_set
from duktus.training.measure import held_out_losses

BASE = "miniature"
STYLE = "contour-wash"
TRIGGER = "sportrait-laz"
SERIES = "portraits"
PROMPT = f"{TRIGGER}, a smiling woman with long red hair, blue background"
STRENGTHS = (0.0, 0.5, 0.8, 1.0, 1.2)
CFGS = (2.0, 3.5, 5.0)
SEEDS = (1, 2)
FRESH = 24
"""Portraits drawn anew to measure the style on: none of them was seen in teaching."""
FRESH_SEED = 90_000
MARK = ".duktus-demo"
"""Says that a folder is a demo's and may be replaced by the next."""


@dataclass(frozen=True, slots=True)
class DemoDone:
    """What ``summary.json`` holds, and the same in words."""

    summary: dict[str, Any]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Results:
    taught: StyleTaught
    fresh: tuple[float, float]
    swept: Swept
    verified: Verified
    seconds: float


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
        fresh = _measure(workspace, taught)
        results = _Results(taught, fresh, swept, verified, time.monotonic() - start)
        summary = _summary(workspace, out, results)
        write_whole(out / "summary.json", json.dumps(summary, indent=2, allow_nan=False).encode())
    return DemoDone(summary, _words(out, results))


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


def _measure(workspace: Workspace, taught: StyleTaught) -> tuple[float, float]:
    """Losses of the base and of the style on portraits of the demo hand drawn just now."""
    settings = taught.style.settings
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(FRESH):
            rng = np.random.default_rng(FRESH_SEED + number)
            portrait = world.sample_portrait(rng, (world.Medium.CONTOUR_WASH,))
            picture = world.draw(portrait, FRESH_SEED + number, settings.resolution)
            Image.fromarray(picture).save(folder / f"{number:02d}.png")
            words = world.full_caption(portrait).rpartition(", ")[0]
            (folder / f"{number:02d}.txt").write_text(f"{TRIGGER}, {words}", encoding="utf-8")
        pictures = read_training_set(folder, trigger=TRIGGER, resolution=settings.resolution)
        return held_out_losses(
            workspace.base(), taught.path, pictures, settings, device=pick_device(workspace.device)
        )


def _summary(workspace: Workspace, out: Path, results: _Results) -> dict[str, Any]:
    swept, verified = results.swept, results.verified
    style = style_json(results.taught.style, out / f"{STYLE}.safetensors")
    series = series_json(workspace, swept.series, {one.id: one for one in swept.assets})
    base, taught = results.fresh
    return {
        "style": {
            **style,
            "seconds": round(results.taught.seconds, 1),
            "heldout_loss_base": base,
            "heldout_loss_style": taught,
            "heldout_relative": taught / base,
            "heldout_pictures": FRESH,
            "heldout_of_the_run": [style["heldout_loss_base"], style["heldout_loss_style"]],
        },
        "series": {
            "name": swept.series.name,
            "cells": len(swept.series.cells),
            "seconds": round(swept.seconds, 1),
            "axes": series["axes"],
            "notes": series["notes"],
            "pictures": [str(path.relative_to(out)) for path in swept.copies],
        },
        "verify": {
            "asset": verified.name,
            "identical": verified.identical,
            "max_abs": verified.max_abs,
            "psnr": finite(verified.psnr),
        },
        "sheet": ["sheet.png", "sheet.html"],
        "seconds_total": round(results.seconds, 1),
    }


def _words(out: Path, results: _Results) -> tuple[str, ...]:
    style = results.taught.style
    base, taught = results.fresh
    cells = len(results.swept.series.cells)
    proof = (
        "rendered again, every pixel came out the same"
        if results.verified.identical
        else f"rendered again, pixels differed by up to {results.verified.max_abs} of 255"
    )
    return (
        (
            f"duktus learned a hand from nine portraits in {style.steps} steps "
            f"({results.taught.seconds:.0f} s); verdict: {style.verdict.outcome.value}."
        ),
        (
            f"On {FRESH} portraits in that hand which it never saw, its loss is {taught / base:.2f} of the "
            "base's (1 would mean nothing was learned)."
        ),
        (
            f"With it {cells} pictures of one prompt were rendered: {len(STRENGTHS)} strengths x {len(CFGS)} "
            f"cfg x {len(SEEDS)} seeds, in {results.swept.seconds:.0f} s."
        ),
        f"One of them, {results.verified.name}, was {proof}.",
        f"All of it took {results.seconds:.0f} s. Look at:",
        f"  {out / 'sheet.html'}   the series; click a picture to enlarge it",
        f"  {out / 'sheet.png'}    the same to print",
        f"  {out / 'pictures'}     the pictures, each with its recipe inside",
        f"  {out / (STYLE + '.safetensors')}   the style, for any program that loads LoRA files",
        f"  {out / 'summary.json'} the numbers",
        "Next, with your own pictures: duktus style teach my-pictures/ --name my-hand --trigger my-hand",
    )
