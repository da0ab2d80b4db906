"""``aim``."""

from __future__ import annotations

from typing import Annotated

import typer

from duktus.cli.options import AsJson
from duktus.cli.outcome import Given, Outcome, perform

AIM = '\b\nExample:\n  duktus aim portraits "more colour in the background, fewer white areas"'


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=AIM)(aim)


def aim(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A series, a collection or a picture.")],
    text: Annotated[str, typer.Argument(help="What is sought, in your words.")],
    as_json: AsJson = False,
) -> None:
    """Say what is sought with a series, a collection or a picture; the diary tells it."""

    def act(given: Given) -> Outcome:
        from duktus.actions.aim import say_aim
        from duktus.wiring import workspace

        said = say_aim(workspace(given.place), name, text)
        document = {"kind": said.kind.value, "subject": said.subject, **said.aim.model_dump(mode="json")}
        return Outcome({"aim": document}, [f"{said.kind} {said.subject}: {said.aim.text}"])

    perform(context, as_json, act)
