"""Series of drawn portraits for the tests of the sheet: no model needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from duktus.domain.decision import Standing
from duktus.domain.recipe import AdapterRef, BaseRef, Recipe, Sampler, Schedule
from duktus.domain.series import Axis, AxisValue
from duktus.miniature.world import Medium, draw, sample_portrait
from duktus.rendering.sheet import SheetCell

HASH = "ab" * 32
PROMPT = "sportrait-laz, a smiling woman with long red hair, green jumper"


def recipe(**values: Any) -> Recipe:
    """A recipe of the miniature; ``strength`` is the strength of its one style."""
    strength = values.pop("strength", 1.0)
    size = values.pop("size", 64)
    known: dict[str, Any] = {
        "base": BaseRef(name="miniature", weights=HASH),
        "adapters": (AdapterRef(name="sportrait-laz", style=HASH, strength=strength),),
        "prompt": PROMPT,
        "seed": 11,
        "steps": 20,
        "cfg": 4.0,
        "sampler": Sampler.DPMPP_2M,
        "schedule": Schedule.KARRAS,
        "width": size,
        "height": size,
    }
    return Recipe(**(known | values))


def picture(of: Recipe, folder: Path) -> Path:
    """A drawing that depends on strength and seed only, so that cfg is an axis that changes nothing."""
    path = folder / f"{of.id}.png"
    plain = replace(sample_portrait(np.random.default_rng(of.seed)), medium=Medium.PHOTO)
    taught = replace(plain, medium=Medium.CONTOUR_WASH)
    share = float(np.clip(of.adapters[0].strength, 0, 1)) if of.adapters else 0.0
    pixels = draw(plain, of.seed, of.width) * (1 - share) + draw(taught, of.seed, of.width) * share
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def cell(
    folder: Path, coordinates: tuple[AxisValue, ...], of: Recipe, standing: Standing | None = None
) -> SheetCell:
    """One rendered cell with its picture in ``folder``."""
    asset = f"a-{of.hash[:16]}"
    return SheetCell(coordinates, asset, picture(of, folder), of, standing or Standing())


def sweep(folder: Path, axes: Sequence[Axis], **fixed: Any) -> list[SheetCell]:
    """Every cell of a sweep, in order."""
    cells: list[SheetCell] = []
    for coordinates in product(*(axis.values for axis in axes)):
        values = dict(zip((axis.name for axis in axes), coordinates, strict=True))
        cells.append(cell(folder, coordinates, recipe(**(fixed | values))))
    return cells
