"""Teach a style: pictures in, an adapter with its curves and its verdict out.

Knows only the contract of :mod:`duktus.families.family`; no family has a loop of its own.
"""

from duktus.training.events import Evaluated, Event, OnEvent, Said, Sampled, Saved, Stepped
from duktus.training.looks import diversity
from duktus.training.preflight import Plan, preflight
from duktus.training.taught import Draw, Paused, Sample, Taught
from duktus.training.teach import teach
from duktus.training.training_set import TrainingPicture, TrainingSet, read_training_set

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
    "diversity",
    "preflight",
    "read_training_set",
    "teach",
]
