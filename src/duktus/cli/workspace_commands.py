"""``init``, ``doctor``, ``demo``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from duktus.cli.options import AsJson
from duktus.cli.outcome import MENDABLE, Given, Outcome, perform

INIT = "\b\nExample:\n  duktus init portraits-2026"
DOCTOR = "\b\nExample:\n  duktus doctor"
DEMO = "\b\nExample:\n  duktus demo --out demo-output"


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=INIT)(init)
    app.command(epilog=DEMO)(demo)
    app.command(epilog=DOCTOR)(doctor)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Made if it is not there.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make a folder a workspace: settings, archive, and room for pictures."""

    def act(given: Given) -> Outcome:
        from duktus.actions.init import init as action
        from duktus.wiring import workspace_at

        made = action(workspace_at(given.place or folder))
        words = (
            f"Made a workspace in {made.root}." if made.new else f"{made.root} is a workspace already.",
            "Next: duktus style teach PICTURES --name NAME --trigger WORD",
        )
        return Outcome({"workspace": {"path": str(made.root), "new": made.new}}, words)

    perform(context, as_json, act)


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="Where the results go.")] = Path("demo-output"),
    as_json: AsJson = False,
) -> None:
    """Teach nine sample portraits, direct a series, lay its sheet and prove one picture: about 5 minutes."""

    def act(given: Given) -> Outcome:
        from duktus.actions.demo import demo as action
        from duktus.wiring import workspace_at

        result = action(workspace_at, out, progress=given.terminal)
        return Outcome(result.summary, result.words)

    perform(context, as_json, act)


def doctor(
    context: typer.Context,
    base: Annotated[
        str | None, typer.Option("--base", help="The base to try on; otherwise the workspace's own.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what takes a base into memory.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the machine and the workspace, try what it computes in, and say what to do about each problem."""

    def act(given: Given) -> Outcome:
        from duktus.actions.doctor import doctor as action
        from duktus.wiring import workspace

        findings = action(workspace(given.place, make=True), base=base, quick=quick, progress=given.terminal)
        lines: list[str] = []
        for one in findings:
            lines.append(f"{'ok ' if one.ok else 'NO '} {one.name:<10} {one.found}")
            lines += [f"               {more}" for more in (*one.details, one.next_step) if more]
        well = all(one.ok for one in findings)
        document = {"doctor": {"ok": well, "findings": [asdict(one) for one in findings]}}
        return Outcome(document, lines, 0 if well else MENDABLE)

    perform(context, as_json, act)
