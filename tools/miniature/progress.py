"""How far a stage is: a log on stderr and in a file, and a budget that sets every schedule."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path


class Log:
    """Writes lines with a clock time to stderr and appends them to a file."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file

    def __call__(self, text: str) -> None:
        """Writes one line."""
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, file=sys.stderr, flush=True)
        with self._file.open("a", encoding="utf-8") as out:
            out.write(line + "\n")


@dataclass(slots=True)
class Budget:
    """The length of a stage, in steps or (where `steps` is None) in minutes of this machine.

    Learning rates follow `fraction`, so that a stage ends annealed on a slow machine as on a fast
    one. `spent` counts seconds of work over all resumes; a pause between two runs costs nothing.
    """

    minutes: float
    steps: int | None = None
    step: int = 0
    spent: float = 0.0
    _tick: float = 0.0

    def start(self) -> None:
        """Begins to count; call it once before the loop."""
        self._tick = time.monotonic()

    def advance(self) -> None:
        """One step is done."""
        now = time.monotonic()
        self.spent, self._tick = self.spent + now - self._tick, now
        self.step += 1

    @property
    def fraction(self) -> float:
        """How much of the stage is done, 0..1."""
        done = self.step / self.steps if self.steps is not None else self.spent / (60 * self.minutes)
        return min(1.0, done)

    @property
    def left(self) -> str:
        """The expected time left, as minutes and seconds."""
        if self.fraction <= 0:
            return "?"
        seconds = int(self.spent / self.fraction * (1 - self.fraction))
        return f"{seconds // 60}:{seconds % 60:02d}"
