"""Words and progress on stderr: a moving bar where a person watches, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duktus.actions.progress import Tick

EVERY = 10.0
"""Seconds between two plain lines about the same piece of work, unless a tenth of it was done."""


def duration(seconds: float) -> str:
    """A duration as a person says it."""
    whole = max(0, round(seconds))
    if whole < 90:
        return f"{whole} s"
    if whole < 5400:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Terminal:
    """The watcher of an action, see :class:`duktus.actions.progress.Progress`."""

    def __init__(self) -> None:
        self._stop = False
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._said: dict[str, tuple[float, int]] = {}

    def __enter__(self) -> None:
        """Nothing is shown until there is something to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def stop(self) -> None:
        """The person asked to stop."""
        self._stop = True
        self.say("Stopping at the next safe point; Ctrl-C again stops at once.")

    def stopped(self) -> bool:
        """Whether the person asked to stop."""
        return self._stop

    def say(self, text: str) -> None:
        """One line."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def tick(self, tick: Tick) -> None:
        """How far a piece of work is."""
        if sys.stderr.isatty():
            self._move_bar(tick)
        else:
            self._print_line(tick)

    def _move_bar(self, tick: Tick) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}"),
                TextColumn("{task.fields[detail]}", style="dim"),
                console=Console(stderr=True),
            )
            self._bar.start()
        if tick.what not in self._tasks:
            self._tasks[tick.what] = self._bar.add_task(tick.what, total=tick.total, left="", detail="")
        self._bar.update(
            self._tasks[tick.what],
            completed=tick.done,
            total=tick.total,
            left=_left(tick),
            detail=tick.detail,
        )
        if tick.done >= tick.total:
            self._bar.remove_task(self._tasks.pop(tick.what))
            self.say(_line(tick))

    def _print_line(self, tick: Tick) -> None:
        tenth = 10 * tick.done // tick.total if tick.total else 10
        now = time.monotonic()
        before, last = self._said.get(tick.what, (-EVERY, -1))
        if tick.done >= tick.total or tenth > last or now - before >= EVERY:
            self._said[tick.what] = (now, tenth)
            print(_line(tick), file=sys.stderr, flush=True)
        if tick.done >= tick.total:
            self._said.pop(tick.what, None)


def _left(tick: Tick) -> str:
    if tick.done >= tick.total or tick.seconds_left is None:
        return ""
    return f"{duration(tick.seconds_left)} left"


def _line(tick: Tick) -> str:
    return ", ".join(
        part for part in (f"{tick.what}: {tick.done} of {tick.total}", _left(tick), tick.detail) if part
    )
