"""Domain objects as the plain JSON data that ``--json`` and ``summary.json`` give."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from duktus.actions.series import SeriesShown
from duktus.actions.workspace import Workspace
from duktus.domain.asset import Asset
from duktus.domain.decision import Standing
from duktus.domain.foreign import Picture
from duktus.domain.series import Axis, Series
from duktus.domain.style import Style


def heldout_losses(style: Style) -> tuple[float | None, float | None]:
    """The held-out loss of the base and of the style as delivered; None where nothing was held out."""
    measures = style.verdict.measures
    return measures.get("held_out_loss_base"), measures.get("held_out_loss")


def style_json(style: Style, path: Path) -> dict[str, Any]:
    """A style in short. ``path`` is its file."""
    base, taught = heldout_losses(style)
    return {
        "name": style.name,
        "hash": style.hash,
        "path": str(path),
        "steps": style.steps,
        "delivered_step": style.facts.get("delivered_step", style.steps),
        "seconds": round(style.seconds, 3),
        "heldout_loss_base": base,
        "heldout_loss_style": taught,
        "verdict": style.verdict.outcome.value,
        "reasons": list(style.verdict.reasons),
        "next_step": style.verdict.next_step,
        "trigger": style.trigger,
        "method": style.method.value,
        "vectors": style.vectors,
        "base": style.base.model_dump(mode="json"),
        "created": style.created.isoformat(),
    }


def style_json_full(style: Style, path: Path) -> dict[str, Any]:
    """A style with settings, curve, captions and facts."""
    whole = style.model_dump(mode="json")
    return {**whole, **style_json(style, path), "measures": whole["verdict"]["measures"]}


def asset_json(workspace: Workspace, asset: Asset) -> dict[str, Any]:
    """An asset: where its file lies, and its whole recipe."""
    return {
        "id": asset.id,
        "path": str(workspace.file(asset)),
        "pixel_hash": asset.pixel_hash,
        "file_hash": asset.file_hash,
        "recipe_id": asset.recipe.id,
        "recipe": asset.recipe.as_json(),
        "seconds": round(asset.facts.seconds, 3),
        "created": asset.created.isoformat(),
    }


def picture_json(workspace: Workspace, picture: Picture) -> dict[str, Any]:
    """A picture, ours or imported; of an imported one ``recipe`` may be None and ``foreign`` say the rest."""
    if isinstance(picture, Asset):
        return asset_json(workspace, picture)
    return {
        "id": picture.id,
        "path": str(workspace.file(picture)),
        "pixel_hash": picture.pixel_hash,
        "file_hash": picture.file_hash,
        "recipe_id": picture.recipe.id if picture.recipe else None,
        "recipe": picture.recipe.as_json() if picture.recipe else None,
        "tool": picture.tool,
        "foreign": picture.foreign.model_dump(mode="json") if picture.foreign else None,
        "source": picture.source,
        "created": picture.created.isoformat(),
    }


def axes_json(axes: tuple[Axis, ...]) -> list[dict[str, Any]]:
    """The axes of a series."""
    return [axis.model_dump(mode="json") for axis in axes]


def standing_json(standing: Standing) -> dict[str, Any]:
    """What was decided."""
    return standing.model_dump(mode="json")


def series_json(workspace: Workspace, series: Series, listed: dict[str, Asset]) -> dict[str, Any]:
    """A series: how many cells, and each rendered asset with its place on the axes."""
    return {
        "name": series.name,
        "cells": len(series.cells),
        "axes": axes_json(series.axes),
        "notes": list(series.notes),
        "created": series.created.isoformat(),
        "assets": [
            {
                **asset_json(workspace, listed[cell.asset_id]),
                "index": cell.index,
                "coordinates": dict(zip((axis.name for axis in series.axes), cell.coordinates, strict=True)),
            }
            for cell in series.cells
            if cell.asset_id
        ],
    }


def series_shown_json(workspace: Workspace, shown: SeriesShown) -> dict[str, Any]:
    """A series with what was decided about each picture."""
    document = series_json(workspace, shown.series, shown.assets)
    for asset in document["assets"]:
        asset["standing"] = standing_json(shown.standings[asset["id"]])
    return document


def finite(value: float | None) -> float | None:
    """JSON has no infinity."""
    return None if value is None or not math.isfinite(value) else round(value, 3)
