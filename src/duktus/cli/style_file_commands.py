"""``style check|import``: files that may come from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duktus.cli.options import AsJson
from duktus.cli.outcome import Given, Outcome, perform

if TYPE_CHECKING:
    from duktus.domain.style import Style
    from duktus.domain.style_check import ProgramRow, StyleCheck

CHECK = "\b\nExample:\n  duktus style check exported/sportrait-laz.safetensors"
IMPORT = "\b\nExample:\n  duktus style import exported/sportrait-laz.safetensors --name guest"

File = Annotated[Path, typer.Argument(metavar="FILE", help="A style as .safetensors, of any program.")]
BaseOption = Annotated[
    str | None, typer.Option("--base", help="The base it is for; otherwise duktus looks for one that fits.")
]


def register(tree: typer.Typer) -> None:
    """Hang the commands below ``style``."""
    tree.command("check", epilog=CHECK)(check)
    tree.command("import", epilog=IMPORT)(import_)


def check(
    context: typer.Context,
    file: File,
    base: BaseOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Also write a copy that every program loads whole.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the mended copy goes; otherwise beside the file.")
    ] = None,
    metadata: Annotated[
        str, typer.Option("--metadata", help="Of the copy: minimal, or full for all the file has.")
    ] = "minimal",
    as_json: AsJson = False,
) -> None:
    """Say how much of a style file each program loads, and how strongly."""

    def act(given: Given) -> Outcome:
        full = wants_full(metadata)
        from duktus.actions.style_files import Repair, check_style
        from duktus.wiring import workspace

        done = check_style(
            workspace(given.place, make=True),
            file,
            base=base,
            repair=Repair(out, full) if repair or out else None,
            progress=given.terminal,
        )
        document = {
            "check": done.check.model_dump(mode="json"),
            "repaired": None if done.repaired is None else str(done.repaired.absolute()),
            "after": None if done.after is None else done.after.model_dump(mode="json"),
        }
        lines = [*_lines(done.check)]
        if done.after is not None:
            lines += ["", f"Mended: {done.repaired}", *map(_row, done.after.rows)]
        elif repair and done.check.canonical:
            lines.append("Nothing to mend: it is in the layout that every program of this family reads.")
        elif done.check.traps:
            lines.append(f"Next: duktus style check {file} --repair")
        return Outcome(document, lines)

    perform(context, as_json, act)


def import_(
    context: typer.Context,
    file: File,
    name: Annotated[
        str | None, typer.Option("--name", help="What it is called here; otherwise as the file.")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", help="The base it is for; otherwise the workspace's own.")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option("--trigger", help="Its trigger word; otherwise from the file's metadata.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a style of another program into the workspace, mended where it needs it."""

    def act(given: Given) -> Outcome:
        from duktus.actions.import_style import import_style
        from duktus.actions.reports import style_json
        from duktus.wiring import workspace

        done = import_style(
            workspace(given.place, make=True),
            file,
            name=name,
            base=base,
            trigger=trigger,
            progress=given.terminal,
        )
        style, came = done.style, done.style.imported
        mended = f" Mended: {', '.join(came.mended)}." if came and came.mended else ""
        lines = [
            f"Imported '{style.name}' for {style.base.name}: {done.path}",
            f"{_holds(style)}.{mended}",
            f'Next: duktus render "{style.trigger} ..." --style {style.name}:1.0',
        ]
        document = {
            "style": style_json(style, done.path),
            "check": done.check.model_dump(mode="json"),
        }
        return Outcome(document, lines)

    perform(context, as_json, act)


def _holds(style: Style) -> str:
    if style.vectors:
        return f"A word: {_vectors(style.vectors)} for '{style.trigger}'"
    return f"{style.modules} modules of the denoiser, {style.text_modules} of text encoders"


def wants_full(metadata: str) -> bool:
    """Whether ``--metadata`` asks for all; :class:`InputError` for an unknown word."""
    from duktus.domain.errors import InputError

    if metadata not in {"minimal", "full"}:
        raise InputError(
            f"metadata '{metadata}' is unknown.",
            "Known: minimal, full.",
            "minimal leaves out captions and folder names.",
        )
    return metadata == "full"


def _lines(checked: StyleCheck) -> list[str]:
    ranks = "/".join(map(str, checked.ranks))
    text = f" and {checked.text_modules} of text encoders" if checked.text_modules else ""
    where = f"the base {checked.base}" if checked.base else checked.architecture
    holds = f"modules   {checked.modules}{text}, rank {ranks}"
    if checked.vectors:
        holds = f"kind      textual inversion: {_vectors(checked.vectors)} for '{checked.trigger}'"
    lines = [
        f"{checked.name}: a style for {where} ({checked.family})",
        holds,
        f"layout    {checked.layout}",
        *(f"trap      {trap}" for trap in checked.traps),
        *(f"damage    {problem}" for problem in checked.problems),
    ]
    if checked.unmatched:
        first = checked.unmatched[0]
        lines.append(f"unknown   {len(checked.unmatched)} names belong to no module, the first is {first}")
    lines += [
        f"unsupported  {number} modules are {kind}, which duktus neither checks nor applies"
        for kind, number in checked.unsupported.items()
    ]
    return [*lines, "", *map(_row, checked.rows)]


def _vectors(count: int) -> str:
    return "one vector" if count == 1 else f"{count} vectors"


def _row(row: ProgramRow) -> str:
    count = "not known" if row.loaded is None else f"{row.loaded} of {row.of}"
    if row.text_of and row.loaded is not None:
        count += f", text {row.text_loaded} of {row.text_of}"
    strength = ""
    if row.strength is not None:
        low, high = row.strength
        strength = f"strength {low:.2f}" if abs(high - low) < 1e-3 else f"strength {low:.2f} to {high:.2f}"
    how = "loaded here" if row.proved else "by measured rule" if row.measured else "by rule, as read"
    return f"{row.program:<10} {count:<26} {strength:<22} {how:<17} {row.words}".rstrip()
