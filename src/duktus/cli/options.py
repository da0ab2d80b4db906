"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duktus.domain.asset import PictureFormat

AsJson = Annotated[bool, typer.Option("--json", help="Give one JSON document on stdout.")]
BaseOption = Annotated[
    str | None, typer.Option("--base", metavar="NAME", help="The base model; otherwise the workspace's own.")
]
StyleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--style",
        metavar="NAME[:STRENGTH[:TEXT]]",
        help="A style, strength 1 when not said; may be repeated. TEXT is the strength of its text-encoder "
        "part, if it has one.",
    ),
]
Guidance = Annotated[
    str | None,
    typer.Option("--guidance", help="For guidance-distilled bases such as FLUX.1 dev, beside cfg."),
]
ClipSkip = Annotated[
    str | None,
    typer.Option("--clip-skip", help="Read the prompt so many layers from the text encoder's end, as A1111."),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Copy the pictures to this folder, or one to this .png file.")
]
Format = Annotated[
    PictureFormat | None,
    typer.Option(
        "--format", help="Of the copies; otherwise what --out ends in, or png. The archive keeps PNG."
    ),
]
Strip = Annotated[
    bool, typer.Option("--steps-strip", help="Also keep each picture's way from noise, as one strip.")
]
Name = Annotated[str, typer.Argument(help="The name.")]
Asset = Annotated[
    str, typer.Argument(help="A picture's id (a-... or f-...), the beginning of one, or its file.")
]
Assets = Annotated[list[str], typer.Argument(help="Ids of pictures, the beginnings of them, or their files.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in your words.")]
