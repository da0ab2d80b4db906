"""What a demo did, as numbers and in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duktus.actions.reports import finite, series_json, style_json
from duktus.actions.sweep import Swept
from duktus.actions.teach_style import StyleTaught
from duktus.actions.verify import Verified
from duktus.actions.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Results:
    """Everything a demo made and measured."""

    taught: StyleTaught
    fresh: tuple[float, float]
    """Losses of the base and of the style on portraits drawn anew."""
    fresh_pictures: int
    swept: Swept
    verified: Verified
    seconds: float


def summary(workspace: Workspace, out: Path, results: Results) -> dict[str, Any]:
    """What ``summary.json`` holds."""
    swept, verified = results.swept, results.verified
    style = style_json(results.taught.style, out / f"{results.taught.style.name}.safetensors")
    series = series_json(workspace, swept.series, {one.id: one for one in swept.assets})
    base, taught = results.fresh
    return {
        "style": {
            **style,
            "seconds": round(results.taught.seconds, 1),
            "heldout_loss_base": base,
            "heldout_loss_style": taught,
            "heldout_relative": taught / base,
            "heldout_pictures": results.fresh_pictures,
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


def words(out: Path, results: Results) -> tuple[str, ...]:
    """The same for people, and where to look."""
    style = results.taught.style
    base, taught = results.fresh
    series = results.swept.series
    axes = " x ".join(f"{len(axis.values)} {axis.name}" for axis in series.axes)
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
            f"On {results.fresh_pictures} portraits in that hand which it never saw, its loss is "
            f"{taught / base:.2f} of the base's (1 would mean that nothing was learned)."
        ),
        (
            f"With it {len(series.cells)} pictures of one prompt were rendered: {axes}, in "
            f"{results.swept.seconds:.0f} s."
        ),
        f"One of them, {results.verified.name}, was {proof}.",
        f"All of it took {results.seconds:.0f} s. Look at:",
        f"  {out / 'sheet.html'}   the series; click a picture to enlarge it",
        f"  {out / 'sheet.png'}    the same to print",
        f"  {out / 'pictures'}     the pictures, each with its recipe inside",
        f"  {out / f'{style.name}.safetensors'}   the style, for any program that loads LoRA files",
        f"  {out / 'summary.json'} the numbers",
        "Next, with your own pictures: duktus style teach my-pictures/ --name my-hand --trigger my-hand",
    )
