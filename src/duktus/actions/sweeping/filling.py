"""Fills a recorded series: renders what is missing, keeps each picture at once, can be paused."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from duktus.actions.progress import Progress, Tick
from duktus.actions.recipes.planning import Plan
from duktus.actions.rendering import Job, OnPreview, render_jobs
from duktus.actions.sweeping.begun_series import pause_file
from duktus.actions.sweeping.estimate import in_order
from duktus.actions.sweeping.unchanged import unchanged_axes
from duktus.actions.workspace import Workspace
from duktus.archive import assets, series
from duktus.domain.asset import Asset
from duktus.domain.series import Series


@dataclass(frozen=True, slots=True)
class Filled:
    """A series after rendering. ``assets`` are in the order of its cells; fewer than cells when paused."""

    series: Series
    assets: tuple[Asset, ...]
    rendered: int
    paused: bool


class _Pausable:
    """Stops the work when the person at the terminal says so, or somebody paused the series elsewhere."""

    def __init__(self, told: Progress, flag: Path) -> None:
        self._told = told
        self._flag = flag

    def say(self, text: str) -> None:
        self._told.say(text)

    def tick(self, tick: Tick) -> None:
        self._told.tick(tick)

    def stopped(self) -> bool:
        return self._told.stopped() or self._flag.exists()


def there(workspace: Workspace, name: str) -> dict[int, str]:
    """The cells that have their picture, whole in the store: their places and their recipes' ids."""
    with workspace.archive.read() as connection:
        return {
            cell.index: cell.recipe_id
            for cell in series.get(connection, name).cells
            if cell.asset_id and _whole(workspace, assets.get(connection, cell.asset_id))
        }


def fill(
    workspace: Workspace,
    name: str,
    planned: Plan,
    told: Progress,
    *,
    steps_strip: bool = False,
    on_preview: OnPreview | None = None,
) -> Filled:
    """Render the cells without a whole picture, each distinct recipe once, the costliest change last done.

    Whoever calls holds the lock of the series. Ctrl-C ends it with KeyboardInterrupt, a pause by returning.
    """
    flag = pause_file(workspace, name)
    flag.unlink(missing_ok=True)
    whole = there(workspace, name)
    with workspace.archive.read() as connection:
        cells = series.get(connection, name).cells
    if whole:
        told.say(f"{len(whole)} of {len(cells)} pictures are there already.")
    by_id = {recipe.id: recipe for recipe in planned.recipes}
    places: dict[str, list[int]] = {}
    for cell in cells:
        if cell.index not in whole:
            places.setdefault(cell.recipe_id, []).append(cell.index)
    todo = in_order([by_id[recipe_id] for recipe_id in places])
    folder = workspace.root / "pictures" / name
    digits = max(2, len(str(len(cells))))
    watched = _Pausable(told, flag)
    rendered = 0
    paused = False
    try:
        for weights, recipes in groupby(
            todo, key=lambda one: one.base.weights
        ):  # one base in memory at a time
            base = planned.bases.get(weights, planned.base)
            jobs = [Job(one, folder, f"{places[one.id][0] + 1:0{digits}}-") for one in recipes]
            for kept in render_jobs(
                workspace,
                base,
                planned.style_files,
                jobs,
                watched,
                keep_steps=steps_strip,
                on_preview=on_preview,
            ):
                with workspace.archive.write() as connection:
                    asset = assets.add(connection, base, kept.asset)
                    for index in places[asset.recipe.id]:
                        series.fill(connection, name, index, asset.id)
                rendered += 1
    except KeyboardInterrupt:
        if told.stopped() or not flag.exists():
            raise
        flag.unlink(missing_ok=True)
        paused = True
    found, listed = _finish(workspace, name, planned, told)
    return Filled(found, listed, rendered, paused)


def _whole(workspace: Workspace, asset: Asset) -> bool:
    return workspace.store.path(asset.file_hash).is_file()


def _finish(
    workspace: Workspace, name: str, planned: Plan, told: Progress
) -> tuple[Series, tuple[Asset, ...]]:
    with workspace.archive.read() as connection:
        found = series.get(connection, name)
        listed = tuple(assets.get(connection, cell.asset_id) for cell in found.cells if cell.asset_id)
    same = unchanged_axes(found.axes, found.cells, {asset.id: asset.pixel_hash for asset in listed})
    for note in same:
        told.say(note)
    notes = (*planned.notes, *same)
    if notes != found.notes:
        with workspace.archive.write() as connection:
            series.annotate(connection, name, notes)
            found = series.get(connection, name)
    return found, listed
