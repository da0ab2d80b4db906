"""Teach a style: pictures in, an adapter with its curves and its verdict out.

Knows only the contract of :mod:`duktus.families.family`; no family has a loop of its own. The names below
load on first use, so that opening a picture does not load torch. What begins a run, and what is known before
it, are in :mod:`duktus.training.teach` and :mod:`duktus.training.preflight`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duktus.training.events import Evaluated, Event, OnEvent, Said, Sampled, Saved, Stepped
    from duktus.training.looks import diversity
    from duktus.training.preflight import Plan
    from duktus.training.taught import Draw, Paused, Sample, Taught
    from duktus.training.training_set import (
        TrainingPicture,
        TrainingSet,
        class_prompt,
        read_class_folder,
        read_class_pictures,
        read_training_set,
    )

__all__ = [
    "Draw",
    "Evaluated",
    "Event",
    "OnEvent",
    "Paused",
    "Plan",
    "Said",
    "Sample",
    "Sampled",
    "Saved",
    "Stepped",
    "Taught",
    "TrainingPicture",
    "TrainingSet",
    "class_prompt",
    "diversity",
    "read_class_folder",
    "read_class_pictures",
    "read_training_set",
]

_HOMES = {
    "Draw": "taught",
    "Evaluated": "events",
    "Event": "events",
    "OnEvent": "events",
    "Paused": "taught",
    "Plan": "preflight",
    "Said": "events",
    "Sample": "taught",
    "Sampled": "events",
    "Saved": "events",
    "Stepped": "events",
    "Taught": "taught",
    "TrainingPicture": "training_set",
    "TrainingSet": "training_set",
    "class_prompt": "training_set",
    "diversity": "looks",
    "read_class_folder": "training_set",
    "read_class_pictures": "training_set",
    "read_training_set": "training_set",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
