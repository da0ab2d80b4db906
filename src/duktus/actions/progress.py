"""How an action tells whoever asked what it is doing, without knowing who that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tick:
    """How far a piece of work is. ``seconds_left`` is None until it can be estimated."""

    what: str
    done: int
    total: int
    seconds_left: float | None = None
    detail: str = ""


class Progress(Protocol):
    """Whoever watches: a terminal, a notebook, nobody."""

    def say(self, text: str) -> None:
        """One sentence about what happens or was found."""
        ...

    def tick(self, tick: Tick) -> None:
        """How far the present piece of work is."""
        ...

    def stopped(self) -> bool:
        """Whether the person asked to stop; the action then saves and raises KeyboardInterrupt."""
        ...


class Silent:
    """Nobody watches."""

    def say(self, text: str) -> None:
        """Nothing."""

    def tick(self, tick: Tick) -> None:
        """Nothing."""

    def stopped(self) -> bool:
        """Never."""
        return False
