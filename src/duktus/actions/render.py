"""`duktus render`: one prompt, one or several pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.actions.planning import Plan, plan
from duktus.actions.progress import Progress, Silent
from duktus.actions.rendering import STRIP, Job, OnPreview, record, render_jobs
from duktus.actions.request import Request
from duktus.actions.workspace import Workspace
from duktus.archive import descents
from duktus.archive.disk import explained
from duktus.archive.store import copy_out
from duktus.domain.asset import Asset
from duktus.domain.descent import Subject
from duktus.domain.errors import InputError

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
    steps_strip: bool = False,
    progress: Progress | None = None,
    on_preview: OnPreview | None = None,
) -> Rendered:
    """Render every recipe of a request, always anew, and keep the pictures.

    ``aim`` says what is sought. ``out`` is a folder, or for one picture a file ending in ``.png``.
    """
    told = progress or Silent()
    planned = plan(workspace, request)
    check_out(out, len(planned.recipes))
    if workspace.prepare():
        told.say(f"Made a workspace in {workspace.root}.")
    with explained(workspace.root):
        planned.begun.keep(workspace)
    for note in planned.notes:
        told.say(note)
    found = _render_all(workspace, planned, told, steps_strip=steps_strip, on_preview=on_preview)
    if aim:
        with workspace.archive.write() as connection:
            for asset in found:
                descents.say_aim(connection, Subject.ASSET, asset.id, aim, author=workspace.author)
    with explained(out or workspace.root):
        copies = copy_all(workspace, found, out) if out else ()
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


def check_out(out: Path | None, pictures: int) -> None:
    """Refuse an ``out`` that cannot take that many pictures, before any time is spent."""
    if out is None:
        return
    if out.suffix.lower() == ".png" and pictures > 1:
        raise InputError(
            f"{out} is one file, but {pictures} pictures are made.",
            "",
            "Name a folder with --out instead.",
        )
    if out.suffix and out.suffix.lower() != ".png" and not out.is_dir():
        raise InputError(
            f"{out} does not end in .png.",
            "Pictures are written as PNG, which keeps every bit and the recipe.",
            "Name a .png file or a folder.",
        )


def copy_all(workspace: Workspace, found: tuple[Asset, ...], out: Path) -> tuple[Path, ...]:
    """Copy pictures, and the strips that lie beside them, to a folder or one picture to a file."""
    one_file = out.suffix.lower() == ".png"
    targets = [out if one_file else out / Path(asset.path).name for asset in found]
    for asset, target in zip(found, targets, strict=True):
        copy_out(workspace.file(asset), target)
        strip = (workspace.root / asset.path).with_suffix(STRIP)
        if strip.is_file():
            copy_out(strip, target.with_suffix(STRIP))
    return tuple(targets)
