"""What a training run tells while it goes on: one frozen type per kind of event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from duktus.domain.style import CurvePoint


@dataclass(frozen=True, slots=True)
class Said:
    """Something in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """One optimizer step is done. ``seconds_left`` counts evaluations and ends at the last step."""

    step: int
    steps: int
    loss: float
    seconds_per_step: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The held-out pictures were looked at. ``relative`` is their loss divided by the base's."""

    point: CurvePoint
    relative: float | None


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint is complete on disk."""

    path: Path
    step: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """The caller's sampler has drawn a picture."""

    step: int
    path: Path


Event = Said | Stepped | Evaluated | Saved | Sampled
OnEvent = Callable[[Event], None]
