"""The commands in one tree, and the way in and out of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import duktus
from duktus.cli import (
    base_commands,
    collection_commands,
    deciding,
    enlarging,
    finding,
    looking,
    making,
    picture_commands,
    prompt_commands,
    series_commands,
    style_commands,
    sweeping,
    telling,
    workspace_commands,
)
from duktus.cli.outcome import MENDABLE, complain
from duktus.domain.errors import UserError

ROOT_EXAMPLE = "\b\nExample:\n  duktus --version"


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="duktus",
        help="Teach a diffusion model your hand from a few of your own pictures, direct it in series, "
        "and keep the proof of how every picture was made.",
        epilog=ROOT_EXAMPLE,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_root)
    workspace_commands.register(app)
    app.add_typer(base_commands.app(), name="base")
    app.add_typer(style_commands.app(), name="style")
    making.register(app)
    sweeping.register(app)
    app.add_typer(series_commands.app(), name="series")
    enlarging.register(app)
    app.add_typer(prompt_commands.app(), name="prompts")
    looking.register(app)
    finding.register(app)
    picture_commands.register(app)
    deciding.register(app)
    telling.register(app)
    app.add_typer(collection_commands.app(), name="collection")
    return app


def run(arguments: Sequence[str]) -> int:
    """Run the command line; its exit code."""
    app = build()
    try:
        code = app(args=list(arguments), prog_name="duktus", standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except typer.TyperException as error:
        message = error.format_message()
        if message:
            wrong = UserError(message, "", _where_help_is(error))
            complain(wrong, as_json="--json" in arguments, kind="UsageError")
        return MENDABLE
    except typer.Abort:
        return MENDABLE
    except BrokenPipeError:  # whoever read our output has seen enough: ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _where_help_is(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "duktus")
    return f"{path} --help shows how it is used, with an example."


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"duktus {duktus.__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace",
            "-w",
            metavar="FOLDER",
            help="The workspace; otherwise the nearest one from here upwards.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    context.obj = {"workspace": workspace, "version": version}
