"""Series that go on: extended by further values, paused, resumed without saying everything again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from duktus.actions.progress import Progress, Silent
from duktus.actions.recipes.planning import Plan, plan
from duktus.actions.recipes.request import Request
from duktus.actions.render import check_out
from duktus.actions.rendering import OnPreview
from duktus.actions.sweep import Foreseen, Swept, carry_out
from duktus.actions.sweeping import sweep_file
from duktus.actions.sweeping.begun_series import lock_file, pause_file
from duktus.actions.sweeping.estimate import estimate
from duktus.actions.sweeping.filling import there
from duktus.actions.workspace import Workspace
from duktus.archive import series
from duktus.archive.lock import held
from duktus.domain.asset import PictureFormat
from duktus.domain.errors import ConflictError, InputError

FIXED = ("beginning", "styles", "text_strengths", "zipped", "draw", "wildcard_seed", "lists")
"""What an extension cannot change: it would give the old pictures another meaning."""

_BY_STYLE = ("style_strengths", "style_text_strengths")
ByStyle = tuple[tuple[str, tuple[float, ...]], ...]
"""Values for each style by its name."""


def definition(workspace: Workspace, name: str) -> Request:
    """What a series asks for, every value written out; :class:`NotFoundError`, or :class:`ConflictError` for
    one that an earlier version began.
    """
    with workspace.archive.read() as connection:
        series.get(connection, name)
        text = series.definition_of(connection, name)
    if text is None:
        raise ConflictError(
            f"The series '{name}' does not know what it was asked for.",
            "An earlier version of duktus began it.",
            "Give the whole sweep command again; it goes on where it stopped.",
        )
    return sweep_file.parse(text, f"the series '{name}'").request


def extended(workspace: Workspace, name: str, further: Request) -> Foreseen:
    """What a series would be with further values on its axes; nothing is written.

    ``further`` holds the new values only; its prompts and seeds may be empty.
    """
    known = definition(workspace, name)
    wrong = next((one for one in FIXED if getattr(further, one) != getattr(Request(()), one)), None)
    if wrong is not None:
        raise InputError(
            f"'{wrong}' cannot be changed by an extension.",
            "The pictures that are there were made with what the series says.",
            "Begin a new series with --name.",
        )
    whole = plan(workspace, _merged(known, further))
    return _foreseen(workspace, name, whole)


def extend(
    workspace: Workspace,
    name: str,
    further: Request,
    *,
    out: Path | None = None,
    kind: PictureFormat | None = None,
    steps_strip: bool = False,
    progress: Progress | None = None,
    on_preview: OnPreview | None = None,
) -> Swept:
    """Add values to the axes of a series and render the new cells; those that are there stay as they are."""
    foreseen = extended(workspace, name, further)
    check_out(out, len(foreseen.plan.recipes), kind)
    workspace.prepare()
    return carry_out(
        workspace,
        foreseen,
        progress or Silent(),
        out=out,
        kind=kind,
        steps_strip=steps_strip,
        on_preview=on_preview,
        extending=True,
    )


def resume(workspace: Workspace, name: str, *, progress: Progress | None = None) -> Swept:
    """Render what is missing of a series that was paused or stopped."""
    foreseen = _foreseen(workspace, name, plan(workspace, definition(workspace, name)))
    workspace.prepare()
    return carry_out(workspace, foreseen, progress or Silent(), extending=True)


def pause(workspace: Workspace, name: str) -> None:
    """Ask whoever renders a series to stop after the present step; :class:`ConflictError` if nobody does."""
    with workspace.archive.read() as connection:
        series.get(connection, name)
    if not held(lock_file(workspace, name)):
        raise ConflictError(
            f"Nobody is rendering the series '{name}'.",
            "Only a running sweep can be paused.",
            f"duktus series resume {name} renders what is missing.",
        )
    pause_file(workspace, name).touch()


def _foreseen(workspace: Workspace, name: str, whole: Plan) -> Foreseen:
    ids = set(there(workspace, name).values())
    return Foreseen(
        name, whole, estimate(workspace, whole, {one.hash for one in whole.recipes if one.id in ids})
    )


def _merged(known: Request, further: Request) -> Request:
    """The known request with the further values behind its own; numbers stay in order where they were."""
    changes: dict[str, Any] = {}
    for one in fields(Request):
        if one.name in FIXED or one.name in {*_BY_STYLE, "replacements", "skipped"}:
            continue
        changes[one.name] = _joined(getattr(known, one.name), getattr(further, one.name), known.zipped)
    by_style = {
        name: _by_style(getattr(known, name), getattr(further, name), known.zipped) for name in _BY_STYLE
    }
    rows = {row[0]: row for row in known.replacements}
    for row in further.replacements:
        rows[row[0]] = tuple(dict.fromkeys((*rows.get(row[0], ()), *row)))
    return replace(
        known,
        **changes,
        **by_style,
        replacements=tuple(rows.values()),
        skipped=tuple(dict.fromkeys((*known.skipped, *further.skipped))),
    )


def _by_style(known: ByStyle, further: ByStyle, zipped: Sequence[Any]) -> ByStyle:
    found = dict(known)
    for style, values in further:
        found[style] = _joined(found.get(style, ()), values, zipped)
    return tuple(found.items())


def _joined(known: Sequence[Any], further: Sequence[Any], zipped: Sequence[Any]) -> tuple[Any, ...]:
    every = (*known, *further) if zipped else tuple(dict.fromkeys((*known, *further)))
    numbers = all(isinstance(value, (int, float)) for value in every)
    rising = numbers and list(known) == sorted(known)
    return tuple(sorted(every)) if rising and not zipped else every
