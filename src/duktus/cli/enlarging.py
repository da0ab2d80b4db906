"""``upscale``."""

from __future__ import annotations

from typing import Annotated

import typer

from duktus.cli.options import AsJson, Asset, Out
from duktus.cli.outcome import Given, Outcome, perform

UPSCALE = "\b\nExample:\n  duktus upscale a-0123456789abcdef --with my-upscaler"


def register(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command(epilog=UPSCALE)(upscale)


def upscale(
    context: typer.Context,
    asset: Asset,
    using: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="NAME|PATH",
            help="An upscaler of duktus.toml, a folder or a file. Without it the first of duktus.toml, "
            "else the miniature's own.",
        ),
    ] = None,
    tile: Annotated[int, typer.Option("--tile", help="Pixels of a tile: less needs less memory.")] = 192,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Enlarge a picture with an upscaler network, in tiles without seams."""

    def act(given: Given) -> Outcome:
        from duktus.actions.reports import asset_json
        from duktus.actions.upscale import upscale as action
        from duktus.wiring import workspace

        here = workspace(given.place)
        done = action(here, asset, using=using, tile=tile, out=out, progress=given.terminal)
        (made,) = done.assets
        width, height = made.recipe.picture_size
        document = {
            "assets": [asset_json(here, made)],
            "copies": [str(path.absolute()) for path in done.copies],
        }
        return Outcome(document, [f"{made.id}  {width} x {height}  {here.file(made)}"])

    perform(context, as_json, act)
