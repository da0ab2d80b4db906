"""What is to be taught, and everything about it that can be checked before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duktus.actions.teaching.word_lesson import method_of, word_values
from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import Method, TeachSettings
from duktus.families.registry import family
from duktus.training import TrainingSet, class_prompt, read_class_folder, read_training_set
from duktus.training.captions import neutral_caption
from duktus.training.preflight import check_role


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be taught. ``changes`` are TeachSettings that differ from the base's own defaults."""

    pictures: Path
    name: str
    trigger: str
    template: str | None = None
    """A caption for pictures without their own."""
    held_out: Path | int | None = None
    """A folder of pictures to measure on, or how many of ``pictures`` are held out for that; without it some
    of them by rule.
    """
    prior_pictures: Path | None = None
    """A folder of class pictures; without it the base draws them, where ``changes`` name a ``prior``."""
    resume: bool = False
    changes: tuple[tuple[str, Any], ...] = ()
    base: str | None = None
    """The name of the base to teach on; the workspace's own when None."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything that teaching needs, checked."""

    base: Base
    settings: TeachSettings
    pictures: TrainingSet
    held_out: TrainingSet | None
    class_pictures: TrainingSet | None = None
    """Those that were given; None where there is no prior, or the base is to draw them."""


def prepare(base: Base, lesson: Lesson) -> Ready:
    """Settings and pictures of a lesson, every one of them checked; nothing is written."""
    check_role(base)
    settings = _settings(base, lesson)

    def read(folder: Path) -> TrainingSet:
        return read_training_set(
            folder, trigger=lesson.trigger, template=lesson.template, resolution=settings.resolution
        )

    _check_neutral(settings)
    held_out = read(lesson.held_out) if isinstance(lesson.held_out, Path) else None
    return Ready(base, settings, read(lesson.pictures), held_out, _class_given(lesson, settings))


def held_out_as_said(said: str) -> Path | int:
    """A number of pictures, or a folder: also one whose name is a number, if it is there."""
    return int(said) if said.isdecimal() and not Path(said).is_dir() else Path(said)


def _check_neutral(settings: TeachSettings) -> None:
    if settings.self_prior is not None:
        neutral_caption("", settings)
    elif settings.neutral is not None:
        raise InputError(
            f"A neutral caption was given ({settings.neutral!r}), but no self-prior.",
            "It is the caption under which the base's own answers are kept.",
            "Say how much they count, e.g. --self-prior 1.",
        )


def _class_given(lesson: Lesson, settings: TeachSettings) -> TrainingSet | None:
    if settings.prior is not None:
        class_prompt(settings)
        return read_class_folder(lesson.prior_pictures, settings) if lesson.prior_pictures else None
    if lesson.prior_pictures is not None or any(name.startswith("prior_") for name, _ in lesson.changes):
        raise InputError(
            "A class to keep was described, but not named.",
            "Class pictures, their number and their weight belong to a class prompt.",
            "Name the class, e.g. --prior 'a portrait of a woman'.",
        )
    return None


def _settings(base: Base, lesson: Lesson) -> TeachSettings:
    changes = dict(lesson.changes)
    method = method_of(changes)
    defaults = family(base.family).teach_defaults(base)
    values: dict[str, Any] = {
        "trigger": lesson.trigger,
        "steps": defaults.steps,
        "learning_rate": defaults.learning_rate,
        "batch": defaults.batch,
        "resolution": defaults.resolution,
        "targets": defaults.targets,
        "min_snr_gamma": defaults.min_snr_gamma,
        "noise_levels": defaults.noise_levels,
        **(word_values(base) if method is Method.TEXTUAL_INVERSION else {}),
        **({"held_out": lesson.held_out} if isinstance(lesson.held_out, int) else {}),
        **changes,
    }
    if "rank" in values and "alpha" not in values:
        values["alpha"] = values["rank"]  # then nobody's handling of alpha can change the strength
    try:
        settings = TeachSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{first['loc'][-1]} {first['input']!r} cannot be used.",
            f"{first['msg']}.",
            "Leave it out to teach with the base's own value.",
        ) from error
    own = settings.optimiser.own_learning_rate
    if own is None or "learning_rate" in changes:
        return settings
    return settings.model_copy(update={"learning_rate": own})
