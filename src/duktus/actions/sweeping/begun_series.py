"""Which series a sweep is: a new one, or one begun earlier that goes on."""

from __future__ import annotations

from pathlib import Path

from duktus.actions.names import checked_name, slug
from duktus.actions.recipes.planning import Plan
from duktus.actions.render import FOLDER
from duktus.actions.sweeping import sweep_file
from duktus.actions.workspace import Workspace
from duktus.archive import series, snippets
from duktus.archive.series import Planned
from duktus.domain.errors import ConflictError


def series_name(planned: Plan, name: str | None) -> str:
    """The name given, checked; without one a name that follows from the plan, so that the same command
    finds the same series.
    """
    if name is None:
        words = slug(planned.recipes[0].prompt, 24) or "series"
        return f"{words}-{planned.hash[:8]}"
    if name == FOLDER:
        raise ConflictError(
            f"A series cannot be named '{name}'.",
            "That folder holds the pictures that belong to no series.",
            "Choose another --name.",
        )
    return checked_name("series", name)


def same_plan(name: str, planned: Plan, known: str | None) -> None:
    """:class:`ConflictError` when the series ``name`` is there with another plan."""
    if known is not None and known != planned.hash:
        raise ConflictError(
            f"There is already a series named '{name}' with other settings.",
            "The same name continues a series; this command would make different pictures.",
            f"Choose another --name, or add the new values to it: duktus sweep --add-to {name} ...",
        )


def lock_file(workspace: Workspace, name: str) -> Path:
    """The file whose lock says that a process works on the series."""
    return workspace.root / "archive" / "locks" / f"series-{name}.lock"


def pause_file(workspace: Workspace, name: str) -> Path:
    """The file whose presence asks the process at work on the series to stop."""
    return lock_file(workspace, name).with_suffix(".pause")


def record_plan(workspace: Workspace, name: str, planned: Plan, *, extending: bool = False) -> None:
    """Write the series with all its cells and the snippets behind them, unless it is there already.

    ``extending`` makes a series that is there what the plan says, keeping its pictures.
    """
    row = Planned(
        name=name,
        plan=planned.hash,
        axes=planned.axes,
        coordinates=planned.coordinates,
        recipes=planned.recipes,
        notes=planned.notes,
        bases=planned.bases,
        definition=sweep_file.written(planned.explicit, name),
    )
    with workspace.archive.write() as connection:
        known = series.plan_of(connection, name)
        if known is not None and extending:
            series.extend(connection, planned.base, row)
        else:
            same_plan(name, planned, known)
        if known is None:
            series.add(connection, planned.base, row)
        snippets.record(connection, planned.words)
