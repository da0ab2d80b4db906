"""What a command gives, how errors and Ctrl-C end it, and the exit codes.

0: done. 2: the person can mend it. 1: a bug. 130: stopped with Ctrl-C, with everything finished kept.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from duktus.actions.collecting import collect_seldom
from duktus.actions.neighbours import wait_asleep_among_others
from duktus.cli.terminal import Terminal
from duktus.domain.errors import UserError

MENDABLE, BUG, STOPPED = 2, 1, 130


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command gives: one JSON document, or lines for people."""

    document: dict[str, Any]
    words: Sequence[str]
    code: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """What every command is given beside its own options."""

    terminal: Terminal
    place: Path | None


def perform(context: typer.Context, as_json: bool, act: Callable[[Given], Outcome]) -> None:
    """Run a command's action, print what came of it, and leave with the right exit code."""
    place: Path | None = (context.find_root().obj or {}).get("workspace")
    terminal = Terminal()
    collect_seldom()
    wait_asleep_among_others(os.environ)  # before ``act`` loads the action, and with it torch
    try:
        with _asked_to_stop(terminal), terminal:
            outcome = act(Given(terminal, place))
    except KeyboardInterrupt:
        complain(_stopped(), as_json=as_json, kind="Stopped")
        raise typer.Exit(STOPPED) from None
    except UserError as error:
        complain(error, as_json=as_json)
        raise typer.Exit(MENDABLE) from None
    except Exception as error:  # noqa: BLE001 - the outermost place: a bug is told and ends 1
        told = _of_the_disk(error)
        if told is not None:
            complain(told, as_json=as_json)
            raise typer.Exit(MENDABLE) from None
        traceback.print_exc()
        if as_json:
            _print_json({"error": {"kind": "Bug", "what": f"{type(error).__name__}: {error}"}})
        raise typer.Exit(BUG) from None
    if as_json:
        _print_json(outcome.document)
    else:
        for line in outcome.words:
            print(line)
    sys.stdout.flush()
    if outcome.code:
        raise typer.Exit(outcome.code)


def complain(error: UserError, *, as_json: bool, kind: str = "") -> None:
    """Say on stderr what happened, why and what to do; with ``as_json`` also as the one document."""
    print(f"duktus: {error.what}", file=sys.stderr)
    if error.why:
        print(f"   why: {error.why}", file=sys.stderr)
    if error.next_step:
        print(f"  next: {error.next_step.strip()}", file=sys.stderr)
    if as_json:
        document = {
            "kind": kind or type(error).__name__,
            "what": error.what,
            "why": error.why,
            "next_step": error.next_step.strip(),
        }
        _print_json({"error": document})


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))


def _stopped() -> UserError:
    return UserError(
        "Stopped.",
        "Everything that was finished is kept.",
        "Give the same command again to go on (style teach: with --resume).",
    )


def _of_the_disk(error: Exception) -> UserError | None:
    from duktus.archive.disk import storage_error

    return storage_error(error, Path.cwd())


@contextmanager
def _asked_to_stop(terminal: Terminal) -> Generator[None]:
    """A first Ctrl-C asks to stop at the next safe point, a second one stops at once."""

    def asked(number: int, frame: FrameType | None) -> None:
        if terminal.stopped():
            signal.default_int_handler(number, frame)
        terminal.stop()

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
