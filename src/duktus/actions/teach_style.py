"""`duktus style teach`: a folder of pictures in, a style in the archive out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from duktus.actions.devices import pick_device
from duktus.actions.names import checked_name
from duktus.actions.progress import Progress, Silent
from duktus.actions.styles import SUFFIX, style_path
from duktus.actions.teaching.class_pictures import drawn_class
from duktus.actions.teaching.lesson import Lesson, Ready, prepare
from duktus.actions.teaching.lesson_progress import Teller
from duktus.actions.teaching.samples import Samples
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.archive.disk import explained
from duktus.archive.lock import Lock
from duktus.archive.times import now
from duktus.domain.style import Method, Style
from duktus.training import Paused, Plan, Taught
from duktus.training.preflight import preflight
from duktus.training.teach import teach

CLASS = "class"
"""The folder of the class pictures in that of the run."""


@dataclass(frozen=True, slots=True)
class StyleTaught:
    """The style as the archive holds it, its file under its name for people, and the wall time."""

    style: Style
    path: Path
    seconds: float


def teach_style(workspace: Workspace, lesson: Lesson, *, progress: Progress | None = None) -> StyleTaught:
    """Check everything, teach, and keep the style. Nothing is written before the pictures are checked.

    Raises KeyboardInterrupt after saving a checkpoint when the person asked to stop.
    """
    told = progress or Silent()
    start = time.monotonic()
    name = checked_name("style", lesson.name)
    ready = prepare(workspace.base(lesson.base), lesson)
    with workspace.archive.read() as connection:
        if styles.has(connection, name) and not lesson.resume:
            raise styles.name_taken(name)
    run = workspace.root / "runs" / name
    with (
        explained(workspace.root),
        Lock(workspace.root / "archive" / "locks" / f"style-{name}.lock", f"the style '{name}'"),
    ):
        if workspace.prepare():
            told.say(f"Made a workspace in {workspace.root}.")
        for note in ready.pictures.notes:
            told.say(note)
        ready, taught, plan = _teach(workspace, ready, run, resume=lesson.resume, told=told)
        style = _style(name, ready, taught, plan)
        workspace.store.put_file(taught.file)
        workspace.store.name(style.file_hash, workspace.root / "styles" / f"{name}{SUFFIX}")
        with workspace.archive.write() as connection:
            styles.add(connection, ready.base, style)
    return StyleTaught(style, style_path(workspace, style), time.monotonic() - start)


def _teach(
    workspace: Workspace, ready: Ready, run: Path, *, resume: bool, told: Progress
) -> tuple[Ready, Taught, Plan]:
    device = pick_device(workspace.device)
    told.say("Trying it out before it starts.")
    plan = preflight(
        ready.base,
        ready.pictures,
        ready.settings,
        run,
        device=device,
        held_out=ready.held_out,
        resume=resume,
    )
    teller = Teller(told)
    for words in plan.words:
        teller.say(words)
    if ready.settings.prior is not None and ready.class_pictures is None:
        drawn = drawn_class(
            ready.base, ready.settings, run / CLASS, told, device=device, batch=workspace.batch
        )
        ready = replace(ready, class_pictures=drawn)
    prompt = ready.pictures.pictures[0].caption
    samples = Samples(
        ready.base,
        run / "samples",
        prompt,
        told,
        device=device,
        dtype=plan.dtype,
        batch=workspace.batch,
        word=ready.settings.trigger if ready.settings.method is Method.TEXTUAL_INVERSION else None,
    )
    outcome = teach(
        ready.base,
        ready.pictures,
        ready.settings,
        run,
        device=plan.device,
        dtype=plan.dtype,
        measures=plan.measures,
        held_out=ready.held_out,
        prior=ready.class_pictures,
        resume=resume,
        on_event=teller,
        should_stop=told.stopped,
        sample=samples.sample if ready.settings.sample_every else None,
        draw=samples.draw,
    )
    if isinstance(outcome, Paused):
        told.say(
            f"Stopped after step {outcome.step} of {outcome.steps}; it is saved. "
            "The same command with --resume goes on from there."
        )
        raise KeyboardInterrupt
    return ready, outcome, plan


def _style(name: str, ready: Ready, taught: Taught, plan: Plan) -> Style:
    base, settings, pictures, kept = ready.base, ready.settings, ready.pictures, ready.class_pictures
    return Style(
        name=name,
        hash=taught.tensor_hash,
        file_hash=taught.file_hash,
        trigger=settings.trigger,
        base=base.ref,
        family=base.family,
        settings=settings,
        steps=taught.steps,
        seconds=taught.seconds,
        verdict=taught.verdict,
        curve=taught.curve,
        training_pictures=tuple(picture.sha256 for picture in pictures.pictures),
        captions=tuple(picture.caption for picture in pictures.pictures),
        class_pictures=tuple(picture.sha256 for picture in kept.pictures) if kept else (),
        facts={
            **taught.facts,
            "delivered_step": taught.delivered_step,
            "expected_seconds": plan.seconds,
        },
        method=settings.method,
        vectors=settings.vectors if settings.method is Method.TEXTUAL_INVERSION else 0,
        created=now(),
    )
