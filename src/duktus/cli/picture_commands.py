"""``import``, ``export``, ``scrub``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duktus.cli.options import AsJson, Assets, Format
from duktus.cli.outcome import MENDABLE, Given, Outcome, perform

IMPORT = "\b\nExample:\n  duktus import my-pictures/"
EXPORT = "\b\nExample:\n  duktus export a-0123456789abcdef --out for-the-web --format webp --strip"
SCRUB = "\b\nExample:\n  duktus scrub my-pictures/p0.png --out scrubbed.png"
SHOWN = 20
"""Refused files that are listed for people; ``--json`` lists every file."""


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command("import", epilog=IMPORT)(import_)
    app.command(epilog=EXPORT)(export)
    app.command(epilog=SCRUB)(scrub)


def import_(
    context: typer.Context,
    place: Annotated[Path, typer.Argument(help="A folder of pictures by any program, or one picture.")],
    as_json: AsJson = False,
) -> None:
    """Take pictures of A1111, Forge, ComfyUI, InvokeAI, SwarmUI or Fooocus into the archive.

    Nothing in the folder is changed. Ends 2 when a picture was refused; the others are kept all the same.
    """

    def act(given: Given) -> Outcome:
        from duktus.actions.import_pictures import Fate, import_pictures
        from duktus.cli.explaining import harmless
        from duktus.wiring import workspace

        report = import_pictures(workspace(given.place, make=True), place, progress=given.terminal)
        new, known, refused = (report.with_fate(fate) for fate in (Fate.NEW, Fate.KNOWN, Fate.REFUSED))
        tools = ", ".join(f"{count} {tool}" for tool, count in report.tools.items())
        told = f"New: {len(new)}{f' ({tools})' if tools else ''}. Known already: {len(known)}. "
        lines = [told + f"Refused: {len(refused)}. Other files: {report.passed_over.total()}."]
        lines += [harmless(f"  refused {one.source}: {' '.join(one.why)}") for one in refused[:SHOWN]]
        if len(refused) > SHOWN:
            lines.append(f"  ... and {len(refused) - SHOWN} more (--json lists every one)")
        doubtful = sum(bool(one.why) for one in new)
        unmapped = sum(bool(one.unmapped) for one in new)
        if doubtful:
            lines.append(f"{doubtful} of the new have damaged or doubtful metadata.")
        if unmapped:
            lines.append(f"{unmapped} of the new say things that have no place in a recipe.")
        if new:
            lines.append(f"Next: duktus show {new[0].id}")
        document = {
            "import": {
                "new": len(new),
                "known": len(known),
                "refused": len(refused),
                "tools": report.tools,
                "other_files": dict(report.passed_over),
                "pictures": [
                    {
                        "source": str(one.source),
                        "fate": one.fate.value,
                        "id": one.id,
                        "tool": one.tool,
                        "unmapped": one.unmapped,
                        "why": list(one.why),
                    }
                    for one in report.taken
                ],
            }
        }
        return Outcome(document, lines, MENDABLE if refused else 0)

    perform(context, as_json, act)


def export(
    context: typer.Context,
    pictures: Assets,
    out: Annotated[Path, typer.Option("--out", help="A folder, or for one picture a file.")],
    format_: Format = None,
    strip: Annotated[
        bool, typer.Option("--strip", help="Without prompt and recipe; the mark of AI-made pictures stays.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy pictures out of the workspace, as PNG, WebP, AVIF or JPEG, with their recipe or without."""

    def act(given: Given) -> Outcome:
        from duktus.actions.export_pictures import export_pictures
        from duktus.wiring import workspace

        inside = not all(Path(name).is_file() for name in pictures)
        here = workspace(given.place, make=not inside)
        paths = [path.absolute() for path in export_pictures(here, pictures, out, kind=format_, strip=strip)]
        return Outcome({"export": {"paths": [str(path) for path in paths]}}, [str(path) for path in paths])

    perform(context, as_json, act)


def scrub(
    context: typer.Context,
    picture: Annotated[Path, typer.Argument(help="A PNG, JPEG, WebP or AVIF file of any program.")],
    out: Annotated[Path | None, typer.Option("--out", help="Otherwise NAME-scrubbed beside it.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Change the file itself.")] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Also the mark that says it was made by a model.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take prompt, settings, workflow, camera data and signatures out of a picture; no pixel changes."""

    def act(given: Given) -> Outcome:
        from duktus.actions.scrub import scrub as action

        given.terminal.say(f"Reading {picture}.")
        done = action(picture, out, everything=everything, in_place=in_place)
        removed = [{"place": one.place, "key": one.key, "length": one.length} for one in done.removed]
        names = ", ".join(dict.fromkeys(one.key for one in done.removed)) or "nothing was there"
        lines = [
            str(done.path.absolute()),
            f"  taken out: {names} ({done.bytes_before - done.bytes_after:,} bytes less)",
        ]
        if done.marked:
            lines.append("  kept: the mark that says it was made by a model (--everything takes it out too)")
        lines += [f"  {note}" for note in done.notes]
        document = {
            "path": str(done.path.absolute()),
            "removed": removed,
            "marked": done.marked,
            "notes": list(done.notes),
        }
        return Outcome({"scrub": document}, lines)

    perform(context, as_json, act)
