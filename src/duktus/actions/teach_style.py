"""`duktus style teach`: a folder of pictures in, a style in the archive out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duktus.actions.devices import pick_device
from duktus.actions.names import checked_name
from duktus.actions.progress import Progress, Silent, Tick
from duktus.actions.samples import Samples
from duktus.actions.styles import SUFFIX, style_path
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.archive.disk import explained
from duktus.archive.lock import Lock
from duktus.archive.times import now
from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import Style, TeachSettings
from duktus.families.registry import family
from duktus.training import (
    Evaluated,
    Event,
    Paused,
    Plan,
    Said,
    Sampled,
    Saved,
    Stepped,
    Taught,
    TrainingSet,
    preflight,
    read_training_set,
    teach,
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be taught. ``changes`` are TeachSettings that differ from the base's own defaults."""

    pictures: Path
    name: str
    trigger: str
    template: str | None = None
    """A caption for pictures without their own."""
    held_out: Path | None = None
    """A folder of pictures to measure on; without it some of ``pictures`` are held out by rule."""
    resume: bool = False
    changes: tuple[tuple[str, Any], ...] = ()


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
    ready = _prepare(workspace.base(), lesson)
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
        taught, plan = _teach(workspace, ready, run, resume=lesson.resume, told=told)
        style = _style(name, ready, taught, plan)
        workspace.store.put_file(taught.file)
        workspace.store.name(style.file_hash, workspace.root / "styles" / f"{name}{SUFFIX}")
        with workspace.archive.write() as connection:
            styles.add(connection, ready.base, style)
    return StyleTaught(style, style_path(workspace, style), time.monotonic() - start)


@dataclass(frozen=True, slots=True)
class _Ready:
    """Everything that teaching needs, checked."""

    base: Base
    settings: TeachSettings
    pictures: TrainingSet
    held_out: TrainingSet | None


def _prepare(base: Base, lesson: Lesson) -> _Ready:
    settings = _settings(base, lesson)

    def read(folder: Path) -> TrainingSet:
        return read_training_set(
            folder, trigger=lesson.trigger, template=lesson.template, resolution=settings.resolution
        )

    held_out = read(lesson.held_out) if lesson.held_out else None
    return _Ready(base, settings, read(lesson.pictures), held_out)


def _settings(base: Base, lesson: Lesson) -> TeachSettings:
    defaults = family(base.family).teach_defaults(base)
    values: dict[str, Any] = {
        "trigger": lesson.trigger,
        "steps": defaults.steps,
        "learning_rate": defaults.learning_rate,
        "batch": defaults.batch,
        "resolution": defaults.resolution,
        "targets": defaults.targets,
        **dict(lesson.changes),
    }
    if "rank" in values and "alpha" not in values:
        values["alpha"] = values["rank"]  # then nobody's handling of alpha can change the strength
    try:
        return TeachSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{first['loc'][-1]} {first['input']!r} cannot be used.",
            f"{first['msg']}.",
            "Leave it out to teach with the base's own value.",
        ) from error


def _teach(
    workspace: Workspace, ready: _Ready, run: Path, *, resume: bool, told: Progress
) -> tuple[Taught, Plan]:
    device = pick_device(workspace.device)
    told.say("Trying it out before it starts.")
    plan = preflight(ready.base, ready.pictures, ready.settings, run, device=device, held_out=ready.held_out)
    for words in plan.words:
        told.say(words)
    prompt = ready.pictures.pictures[0].caption
    samples = Samples(ready.base, run / "samples", prompt, device, batch=workspace.batch)
    outcome = teach(
        ready.base,
        ready.pictures,
        ready.settings,
        run,
        device=plan.device,
        dtype=plan.dtype,
        held_out=ready.held_out,
        resume=resume,
        on_event=_Teller(told),
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
    return outcome, plan


class _Teller:
    """Turns the events of a training run into progress."""

    def __init__(self, told: Progress) -> None:
        self._told = told

    def __call__(self, event: Event) -> None:
        match event:
            case Said(text):
                self._told.say(text)
            case Stepped(step, steps, loss, pace, left):
                detail = f"loss {loss:.4f}, {pace:.2f} s a step"
                self._told.tick(Tick("steps", step, steps, left, detail))
            case Evaluated(point, relative) if relative is not None:
                self._told.say(f"Step {point.step}: held-out loss {relative:.2f} of the base's.")
            case Sampled(step, path):
                self._told.say(f"Step {step}: sample in {path}.")
            case Evaluated() | Saved():
                pass


def _style(name: str, ready: _Ready, taught: Taught, plan: Plan) -> Style:
    base, settings, pictures = ready.base, ready.settings, ready.pictures
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
        facts={
            **taught.facts,
            "delivered_step": taught.delivered_step,
            "expected_seconds": plan.seconds,
        },
        created=now(),
    )
