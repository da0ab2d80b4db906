"""Sweeps and series: axes laid over a recipe, and the ordered set of cells that results."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

AxisValue = float | int | str


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Axis(_Frozen):
    """One thing that changes across a sweep, with its values in order.

    ``name`` is one of ``strength``, ``cfg``, ``seed``, ``steps``, ``sampler``, ``schedule``, ``size``,
    ``prompt``, ``negative``.
    """

    name: str
    values: tuple[AxisValue, ...]


class Cell(_Frozen):
    """One point of a sweep: its place on every axis, its recipe and, once rendered, its asset."""

    index: int
    coordinates: tuple[AxisValue, ...]
    """One value per axis, in the order of the series' axes."""
    recipe_id: str
    asset_id: str | None = None


class Series(_Frozen):
    """The ordered set of cells of a sweep."""

    name: str
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    """E.g. an axis along which neighbouring cells came out identical."""
    created: datetime
