"""What a run may do where memory is short, from the cheapest to the dearest: the ladder.

Gradient checkpointing costs time and changes nothing that is learned, so it comes first. Eight bits for the
frozen weights cost little time, but the style is then learned beside weights that are about one percent off.
docs/decisions/0009 says why in this order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.families.holding import Holding

if TYPE_CHECKING:
    from duktus.domain.style import TeachSettings


@dataclass(frozen=True, slots=True, order=True)
class Measures:
    """One rung. They compare by what they cost: the first field that differs decides."""

    int8: bool = False
    """The frozen base's large weights in eight bits."""
    recompute: bool = False
    """Gradient checkpointing."""

    @property
    def holding(self) -> Holding:
        """How the base is to be loaded."""
        return Holding(int8=self.int8)

    @property
    def words(self) -> str:
        """What is done, to stand in a sentence; empty for nothing."""
        done = (
            (self.recompute, "gradient checkpointing"),
            (self.int8, "8-bit base weights"),
        )
        return " and ".join(name for on, name in done if on)


NOTHING = Measures()


def ladder(settings: TeachSettings) -> tuple[Measures, ...]:
    """The rungs that the settings leave open, cheapest first."""
    every = (
        Measures(int8, recompute)
        for int8 in _open(settings.int8_base)
        for recompute in _open(settings.gradient_checkpointing)
    )
    return tuple(sorted(every))


def asked(settings: TeachSettings) -> Measures:
    """What the settings ask for, and nothing that they leave open."""
    return ladder(settings)[0]


def _open(setting: str) -> tuple[bool, ...]:
    return (False, True) if setting == "auto" else (setting == "on",)
