"""Going on from a picture: who its parent is, what was changed, and what was sought."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from duktus.domain.changes import Change


class Subject(StrEnum):
    """What an aim can be about."""

    ASSET = "asset"
    SERIES = "series"
    COLLECTION = "collection"


class Descent(BaseModel):
    """A person went on from one picture to the next. Both are asset ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    child: str
    parent: str
    changes: tuple[Change, ...]
    """Empty when the same recipe was rendered again."""
    fresh: bool
    """Whether the child was new then: going back to a picture that is there makes no new way to it."""
    author: str
    created: datetime


class Aim(BaseModel):
    """What was sought, in the person's words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    author: str
    created: datetime
