"""Decisions: append-only events on assets; the newest not undone one counts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class DecisionKind(StrEnum):
    """What kind of statement an event makes."""

    KEEP = "keep"
    DISCARD = "discard"
    RATE = "rate"
    UNDO = "undo"


class DecisionEvent(BaseModel):
    """One thing a person said about one asset; never changed or deleted afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    asset_id: str
    kind: DecisionKind
    stars: int | None = None
    reason: str = ""
    author: str
    created: datetime
    undoes: int | None = None
    """The id of the event this one takes back, for ``undo``."""


class Standing(BaseModel):
    """What currently counts for an asset, after undo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: DecisionKind | None = None
    stars: int | None = None
    reason: str = ""
