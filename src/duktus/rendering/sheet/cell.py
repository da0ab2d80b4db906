"""What the sheet is given: one rendered cell of a series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.domain.decision import Standing
from duktus.domain.recipe import Recipe
from duktus.domain.series import AxisValue


@dataclass(frozen=True, slots=True)
class SheetCell:
    """One picture on the sheet.

    ``coordinates`` has one value per axis, in the order of the series' axes; empty for a hand-made series.
    ``path`` is the picture's file as it can be opened here; it may be missing, and the sheet says so.
    """

    coordinates: tuple[AxisValue, ...]
    asset_id: str
    path: Path
    recipe: Recipe
    standing: Standing
    collections: tuple[str, ...] = ()
    """The names of the collections it is in."""
