"""Renders recipes and keeps every picture the moment it is finished. Loads torch once there is one to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from duktus import rendering
from duktus.actions.devices import pick_device
from duktus.actions.drafts import marked, measured_drafts
from duktus.actions.materials import materials_for
from duktus.actions.progress import Progress, Tick
from duktus.actions.workspace import Workspace
from duktus.archive import assets
from duktus.archive.store import sweep
from duktus.archive.times import now
from duktus.domain.asset import Asset
from duktus.domain.base import Base
from duktus.domain.canonical import sha256_hex, short_id
from duktus.domain.recipe import Recipe
from duktus.rendering import encode_png, pixel_hash
from duktus.rendering.files import encode_strip

if TYPE_CHECKING:
    from duktus.rendering import Picture, Preview

OnPreview = Callable[["Preview"], None]
STRIP = ".steps.png"
"""How the strip of a picture's steps is named, beside it."""


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to make and the name it gets for people: ``folder/stem-<asset id>.png``."""

    recipe: Recipe
    folder: Path
    stem: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished picture in the archive; ``index`` counts the jobs."""

    index: int
    asset: Asset
    strip: Path | None


def render_jobs(
    workspace: Workspace,
    base: Base,
    style_files: Mapping[str, Path],
    jobs: Sequence[Job],
    progress: Progress,
    *,
    keep_steps: bool = False,
    on_preview: OnPreview | None = None,
) -> Iterator[Kept]:
    """Each picture as soon as its file is safely in the store; the row is written by :func:`record`.

    Raises KeyboardInterrupt between pictures when the person asked to stop.
    """
    if not jobs:
        return
    for folder in {job.folder for job in jobs}:  # names are copies where a disk has no hard links
        sweep(folder)
    progress.say(f"Loading {base.name}.")
    recipes = [job.recipe for job in jobs]
    renderer = rendering.Renderer(  # only now is torch loaded
        base,
        style_files,
        batch=workspace.batch,
        device=pick_device(workspace.device),
        materials=materials_for(workspace, base, recipes),
    )
    drafts = measured_drafts(workspace, renderer, recipes)
    clock = _Clock(progress, len(jobs))
    pictures = renderer.render(
        recipes,
        on_preview=on_preview,
        on_step=clock.step,
        keep_steps=keep_steps,
        should_stop=progress.stopped,
    )
    for picture in pictures:
        facts = marked(picture.facts, drafts.get(picture.recipe.hash))
        kept = keep_picture(workspace, jobs[picture.index], replace(picture, facts=facts))
        clock.picture()
        yield kept
    if progress.stopped():
        raise KeyboardInterrupt


def keep_picture(workspace: Workspace, job: Job, picture: Picture) -> Kept:
    """Put a finished picture's file into the store; the row is written by :func:`record`."""
    data = encode_png(picture.pixels, picture.recipe)
    asset_id = short_id("a", sha256_hex(data))
    target = job.folder / f"{job.stem}{asset_id}.png"
    file_hash = workspace.store.put(data)
    workspace.store.name(file_hash, target)
    strip = None
    if picture.steps_strip is not None:
        strip = target.with_suffix(STRIP)
        encode_strip(picture.steps_strip, picture.recipe, strip)
    asset = Asset(
        id=asset_id,
        file_hash=file_hash,
        pixel_hash=pixel_hash(picture.pixels),
        path=workspace.relative(target),
        recipe=picture.recipe,
        facts=picture.facts,
        created=now(),
    )
    return Kept(picture.index, asset, strip)


def record(workspace: Workspace, base: Base, kept: Kept) -> Asset:
    """Write the row of a kept picture; the asset as the archive knows it."""
    with workspace.archive.write() as connection:
        return assets.add(connection, base, kept.asset)


class _Clock:
    """Estimates what is left from the sampler steps done so far."""

    def __init__(self, progress: Progress, pictures: int) -> None:
        self._progress = progress
        self._pictures = pictures
        self._finished = 0
        self._left: float | None = None
        self._start = time.monotonic()

    def step(self, done: int, total: int) -> None:
        spent = time.monotonic() - self._start
        self._left = spent / done * (total - done) if done else None
        self._tell()

    def picture(self) -> None:
        self._finished += 1
        self._tell()

    def _tell(self) -> None:
        self._progress.tick(Tick("pictures", self._finished, self._pictures, self._left))
