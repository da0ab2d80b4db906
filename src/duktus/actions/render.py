"""`duktus render`: one prompt, one or several pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.actions.export_pictures import copy_target, picture_format, write_copy
from duktus.actions.progress import Progress, Silent
from duktus.actions.recipes.planning import Plan, plan
from duktus.actions.recipes.request import Request
from duktus.actions.rendering import STRIP, Job, OnPreview, record, render_jobs
from duktus.actions.workspace import Workspace
from duktus.archive import descents, snippets
from duktus.archive.disk import explained
from duktus.archive.store import copy_out
from duktus.domain.asset import Asset, PictureFormat
from duktus.domain.descent import Subject

FOLDER = "single"
"""Of pictures that belong to no series, below ``pictures/``."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The pictures in the order asked for, and what the person should know about them."""

    assets: tuple[Asset, ...]
    notes: tuple[str, ...]
    copies: tuple[Path, ...] = ()
    """Where ``out`` put them."""


def render(
    workspace: Workspace,
    request: Request,
    *,
    aim: str = "",
    out: Path | None = None,
    kind: PictureFormat | None = None,
    steps_strip: bool = False,
    progress: Progress | None = None,
    on_preview: OnPreview | None = None,
) -> Rendered:
    """Render every recipe of a request, always anew, and keep the pictures.

    ``aim`` says what is sought. ``out`` is a folder for copies, or for one picture a file; ``kind`` is their
    format.
    """
    told = progress or Silent()
    planned = plan(workspace, request)
    check_out(out, len(planned.recipes), kind)
    if workspace.prepare():
        told.say(f"Made a workspace in {workspace.root}.")
    with explained(workspace.root):
        planned.begun.keep(workspace)
    for note in planned.notes:
        told.say(note)
    if planned.words:
        with workspace.archive.write() as connection:
            snippets.record(connection, planned.words)
    found = _render_all(workspace, planned, told, steps_strip=steps_strip, on_preview=on_preview)
    if aim:
        with workspace.archive.write() as connection:
            for asset in found:
                descents.say_aim(connection, Subject.ASSET, asset.id, aim, author=workspace.author)
    with explained(out or workspace.root):
        copies = copy_all(workspace, found, out, kind) if out else ()
    return Rendered(found, planned.notes, copies)


def _render_all(
    workspace: Workspace, planned: Plan, told: Progress, *, steps_strip: bool, on_preview: OnPreview | None
) -> tuple[Asset, ...]:
    folder = workspace.root / "pictures" / FOLDER
    jobs = [Job(recipe, folder, "") for recipe in planned.recipes]
    found: dict[int, Asset] = {}
    with explained(workspace.root):
        for kept in render_jobs(
            workspace,
            planned.base,
            planned.style_files,
            jobs,
            told,
            keep_steps=steps_strip,
            on_preview=on_preview,
        ):
            found[kept.index] = record(workspace, planned.base, kept)
    return tuple(found[index] for index in sorted(found))


def check_out(out: Path | None, pictures: int, kind: PictureFormat | None = None) -> None:
    """Refuse an ``out`` that cannot take that many pictures of that format, before any time is spent."""
    picture_format(out, kind, pictures)


def copy_all(
    workspace: Workspace, found: tuple[Asset, ...], out: Path, kind: PictureFormat | None = None
) -> tuple[Path, ...]:
    """Copy pictures, and the strips that lie beside them, to a folder or one picture to a file."""
    chosen = picture_format(out, kind, len(found))
    targets = [copy_target(out, Path(asset.path), chosen) for asset in found]
    for asset, target in zip(found, targets, strict=True):
        write_copy(workspace.file(asset), asset.recipe, target, chosen)
        strip = (workspace.root / asset.path).with_suffix(STRIP)
        if strip.is_file():
            copy_out(strip, target.with_suffix(STRIP))
    return tuple(targets)
