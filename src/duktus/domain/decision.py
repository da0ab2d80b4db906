"""Decisions: append-only events on assets; the newest of each kind that is not undone counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class DecisionKind(StrEnum):
    """What kind of statement an event makes."""

    KEEP = "keep"
    DISCARD = "discard"
    UNDECIDED = "undecided"
    """Back to the pile: neither kept nor discarded."""
    RATE = "rate"
    LABEL = "label"
    UNDO = "undo"
    REDO = "redo"


class Label(StrEnum):
    """A colour label, as picture browsers have them; ``none`` takes it off."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    NONE = "none"


class DecisionEvent(BaseModel):
    """One thing a person said about one asset; never changed or deleted afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    asset_id: str
    kind: DecisionKind
    stars: int | None = None
    label: Label | None = None
    reason: str = ""
    author: str
    created: datetime
    undoes: int | None = None
    """The id of the event this one takes back: for ``undo`` a decision or a redo, for ``redo`` an undo."""


class Standing(BaseModel):
    """What currently counts for an asset, after undo and redo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: DecisionKind | None = None
    """``keep``, ``discard``, or None while undecided."""
    stars: int | None = None
    reason: str = ""
    """Of the verdict."""
    label: Label | None = None


def counting(events: Sequence[DecisionEvent]) -> list[DecisionEvent]:
    """The decisions that count, oldest first: every undo takes back one event, every redo one undo.

    ``events`` are all events on one asset, oldest first; each is taken back at most once.
    """
    gone: set[int] = set()
    for event in reversed(events):  # a later event decides about an earlier one
        if event.undoes is not None and event.id not in gone:
            gone.add(event.undoes)
    steps = {DecisionKind.UNDO, DecisionKind.REDO}
    return [event for event in events if event.id not in gone and event.kind not in steps]


def standing(events: Sequence[DecisionEvent]) -> Standing:
    """What counts after all events on one asset, oldest first."""
    verdict: DecisionKind | None = None
    stars: int | None = None
    reason = ""
    label: Label | None = None
    for event in counting(events):
        match event.kind:
            case DecisionKind.RATE:
                stars = event.stars
            case DecisionKind.LABEL:
                label = None if event.label is Label.NONE else event.label
            case DecisionKind.UNDECIDED:
                verdict, reason = None, event.reason
            case _:
                verdict, reason = event.kind, event.reason
    return Standing(verdict=verdict, stars=stars, reason=reason, label=label)
