"""``series list|show|pause|resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duktus.cli.options import AsJson
from duktus.cli.outcome import Given, Outcome, perform

Name = Annotated[str, typer.Argument(help="The series' name.")]

LIST = "\b\nExample:\n  duktus series list"
PAUSE = "\b\nExample:\n  duktus series pause portraits"
RESUME = "\b\nExample:\n  duktus series resume portraits"
SHOW = "\b\nExample:\n  duktus series show portraits"


def app() -> typer.Typer:
    """The commands below ``series``."""
    tree = typer.Typer(help="List, show, pause and resume series.", no_args_is_help=True)
    tree.command("list", epilog=LIST)(list_)
    tree.command("show", epilog=SHOW)(show)
    tree.command("pause", epilog=PAUSE)(pause)
    tree.command("resume", epilog=RESUME)(resume)
    return tree


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the series of this workspace."""

    def act(given: Given) -> Outcome:
        from duktus.actions.series import list_series
        from duktus.wiring import workspace

        found = list_series(workspace(given.place))
        document = {
            "series": [
                {
                    "name": one.name,
                    "cells": one.cells,
                    "rendered": one.rendered,
                    "created": one.created.isoformat(),
                }
                for one in found
            ]
        }
        lines = [
            f"{one.name:<32} {one.rendered:>4} of {one.cells} pictures  {one.created:%Y-%m-%d %H:%M}"
            for one in found
        ]
        return Outcome(document, lines or ["No series yet: duktus sweep makes one."])

    perform(context, as_json, act)


def show(
    context: typer.Context,
    name: Name,
    file: Annotated[
        Path | None, typer.Option("--file", help="Also write what was asked for as a .sweep.toml.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a series: its axes and every picture with its place on them."""

    def act(given: Given) -> Outcome:
        from duktus.actions.reports import series_shown_json
        from duktus.actions.series import show_series
        from duktus.cli.naming import axes_lines, decided
        from duktus.wiring import workspace

        here = workspace(given.place)
        shown = show_series(here, name)
        series = shown.series
        if file is not None:
            from duktus.actions.going_further import definition
            from duktus.actions.sweeping.sweep_file import write

            given.terminal.say(f"Wrote {write(file, definition(here, name), name)}.")
        lines = [f"{series.name}: {len(series.cells)} pictures", *series.notes]
        lines += axes_lines(series.axes)
        for cell in series.cells:
            place = "  ".join(
                f"{axis.name} {value}" for axis, value in zip(series.axes, cell.coordinates, strict=True)
            )
            standing = shown.standings.get(cell.asset_id or "")
            said = f"  {decided(standing)}" if standing else ""
            lines.append(f"{cell.index + 1:>4}  {cell.asset_id or 'not rendered yet':<18}  {place}{said}")
        return Outcome({"series": series_shown_json(here, shown)}, lines)

    perform(context, as_json, act)


def pause(
    context: typer.Context,
    name: Name,
    as_json: AsJson = False,
) -> None:
    """Ask the sweep that renders a series, in whatever window, to stop after its present step."""

    def act(given: Given) -> Outcome:
        from duktus.actions.going_further import pause as action
        from duktus.wiring import workspace

        action(workspace(given.place), name)
        line = f"Asked to pause. Everything finished is kept; duktus series resume {name} goes on."
        return Outcome({"paused": name}, [line])

    perform(context, as_json, act)


def resume(
    context: typer.Context,
    name: Name,
    as_json: AsJson = False,
) -> None:
    """Render what is missing of a series that was paused or stopped."""

    def act(given: Given) -> Outcome:
        from duktus.actions.going_further import resume as action
        from duktus.cli.sweeping import outcome
        from duktus.wiring import workspace

        here = workspace(given.place)
        return outcome(here, action(here, name, progress=given.terminal))

    perform(context, as_json, act)
