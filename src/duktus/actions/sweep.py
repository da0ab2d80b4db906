"""`duktus sweep`: axes laid over a recipe, rendered so that a crash loses nothing that was finished."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from duktus.actions.progress import Progress, Silent
from duktus.actions.recipes.planning import Plan, plan
from duktus.actions.recipes.request import Request
from duktus.actions.render import check_out, copy_all
from duktus.actions.rendering import OnPreview
from duktus.actions.sweeping.begun_series import lock_file, record_plan, same_plan, series_name
from duktus.actions.sweeping.estimate import Estimate, estimate
from duktus.actions.sweeping.filling import fill, there
from duktus.actions.workspace import Workspace
from duktus.archive import series
from duktus.archive.disk import explained
from duktus.archive.lock import Lock
from duktus.domain.asset import Asset, PictureFormat
from duktus.domain.series import Series


@dataclass(frozen=True, slots=True)
class Swept:
    """A series with its assets in the order of its cells; complete unless it was paused."""

    series: Series
    assets: tuple[Asset, ...]
    rendered: int
    """Pictures made by this command; the others were there already."""
    seconds: float
    copies: tuple[Path, ...] = field(default=())
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A sweep before it starts."""

    name: str
    plan: Plan
    estimate: Estimate


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
    foreseen = foresee(workspace, request, name=name)
    check_out(out, len(foreseen.plan.recipes), kind)
    if workspace.prepare():
        told.say(f"Made a workspace in {workspace.root}.")
    return carry_out(
        workspace, foreseen, told, out=out, kind=kind, steps_strip=steps_strip, on_preview=on_preview
    )


def foresee(workspace: Workspace, request: Request, *, name: str | None = None) -> Foreseen:
    """What a sweep would render and cost; nothing is written."""
    planned = plan(workspace, request)
    chosen = series_name(planned, name)
    with workspace.archive.read() as connection:
        known = series.plan_of(connection, chosen)
        same_plan(chosen, planned, known)
    ids = set(there(workspace, chosen).values()) if known is not None else set[str]()
    done = {one.hash for one in planned.recipes if one.id in ids}
    return Foreseen(chosen, planned, estimate(workspace, planned, done))


def carry_out(
    workspace: Workspace,
    foreseen: Foreseen,
    told: Progress,
    *,
    out: Path | None = None,
    kind: PictureFormat | None = None,
    steps_strip: bool = False,
    on_preview: OnPreview | None = None,
    extending: bool = False,
) -> Swept:
    """Record what was foreseen and render what is missing of it."""
    start = time.monotonic()
    name, planned = foreseen.name, foreseen.plan
    with explained(workspace.root):
        planned.begun.keep(workspace)
    for line in (*planned.notes, foreseen_words(foreseen)):
        told.say(line)
    with explained(workspace.root), Lock(lock_file(workspace, name), f"the series '{name}'"):
        record_plan(workspace, name, planned, extending=extending)
        filled = fill(workspace, name, planned, told, steps_strip=steps_strip, on_preview=on_preview)
        copies = copy_all(workspace, filled.assets, out, kind) if out else ()
    spent = time.monotonic() - start
    return Swept(filled.series, filled.assets, filled.rendered, spent, copies, paused=filled.paused)


def foreseen_words(foreseen: Foreseen) -> str:
    """E.g. ``12 cells, 8 pictures to render, about 2 min, about 3.1 MB.``"""
    cost = foreseen.estimate
    parts = [f"{cost.cells} cell{'' if cost.cells == 1 else 's'}"]
    parts.append(f"{_pictures(cost.pictures)} to render")
    if cost.pictures:
        parts.append(
            "time not known yet"
            if cost.seconds is None
            else f"about {_duration(cost.seconds)} (from {_pictures(cost.measured_on)} rendered here)"
        )
        parts += [] if cost.disk is None else [f"about {max(cost.disk / 1e6, 0.1):.1f} MB"]
    return f"{', '.join(parts)}."


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
