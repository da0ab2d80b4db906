"""`duktus sweep`: axes laid over a recipe, rendered so that a crash loses nothing that was finished."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from duktus.actions.begun_series import lock_file, record_plan, same_plan, series_name
from duktus.actions.planning import Plan, plan
from duktus.actions.progress import Progress, Silent
from duktus.actions.render import check_out, copy_all
from duktus.actions.rendering import Job, OnPreview, render_jobs
from duktus.actions.request import Request
from duktus.actions.unchanged import unchanged_axes
from duktus.actions.workspace import Workspace
from duktus.archive import assets, series
from duktus.archive.disk import explained
from duktus.archive.lock import Lock
from duktus.domain.asset import Asset, PictureFormat
from duktus.domain.series import Series


@dataclass(frozen=True, slots=True)
class Swept:
    """A complete series with its assets in the order of its cells."""

    series: Series
    assets: tuple[Asset, ...]
    rendered: int
    """Pictures made by this command; the others were there already."""
    seconds: float
    copies: tuple[Path, ...] = field(default=())


def sweep(
    workspace: Workspace,
    request: Request,
    *,
    name: str | None = None,
    out: Path | None = None,
    kind: PictureFormat | None = None,
    steps_strip: bool = False,
    progress: Progress | None = None,
    on_preview: OnPreview | None = None,
) -> Swept:
    """Render every cell of the request's axes as a series.

    The series and all its cells are recorded first, then each picture as it is finished. The same command
    again renders what is missing; the same name with other axes is a :class:`ConflictError`.
    """
    told = progress or Silent()
    start = time.monotonic()
    planned = plan(workspace, request)
    check_out(out, len(planned.recipes), kind)
    chosen = series_name(planned, name)
    with workspace.archive.read() as connection:
        same_plan(chosen, planned, series.plan_of(connection, chosen))
    if workspace.prepare():
        told.say(f"Made a workspace in {workspace.root}.")
    with explained(workspace.root):
        planned.begun.keep(workspace)
    for note in planned.notes:
        told.say(note)
    with explained(workspace.root), Lock(lock_file(workspace, chosen), f"the series '{chosen}'"):
        record_plan(workspace, chosen, planned)
        rendered = _render_missing(
            workspace, chosen, planned, told, steps_strip=steps_strip, on_preview=on_preview
        )
        result = _finish(workspace, chosen, planned, told)
        copies = copy_all(workspace, result[1], out, kind) if out else ()
    return Swept(*result, rendered=rendered, seconds=time.monotonic() - start, copies=copies)


def _render_missing(
    workspace: Workspace,
    name: str,
    planned: Plan,
    told: Progress,
    *,
    steps_strip: bool,
    on_preview: OnPreview | None,
) -> int:
    """Render the cells without a whole picture, each distinct recipe once; how many were rendered."""
    with workspace.archive.read() as connection:
        cells = series.get(connection, name).cells
        there = {
            cell.index
            for cell in cells
            if cell.asset_id and _whole(workspace, assets.get(connection, cell.asset_id))
        }
    places: dict[str, list[int]] = {}
    for cell in cells:
        if cell.index not in there:
            places.setdefault(planned.recipes[cell.index].hash, []).append(cell.index)
    if there:
        told.say(f"{len(there)} of {len(cells)} pictures are there already.")
    folder = workspace.root / "pictures" / name
    digits = max(2, len(str(len(cells))))
    todo = list(places.values())
    jobs = [Job(planned.recipes[indices[0]], folder, f"{indices[0] + 1:0{digits}}-") for indices in todo]
    for kept in render_jobs(
        workspace,
        planned.base,
        planned.style_files,
        jobs,
        told,
        keep_steps=steps_strip,
        on_preview=on_preview,
    ):
        with workspace.archive.write() as connection:
            asset = assets.add(connection, planned.base, kept.asset)
            for index in todo[kept.index]:
                series.fill(connection, name, index, asset.id)
    return len(jobs)


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
