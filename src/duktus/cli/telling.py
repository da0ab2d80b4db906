"""``aim``, ``log``, ``diary``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duktus.cli.options import AsJson, Asset
from duktus.cli.outcome import Given, Outcome, perform

if TYPE_CHECKING:
    from duktus.actions.log import Way
    from duktus.actions.workspace import Workspace

AIM = '\b\nExample:\n  duktus aim portraits "more colour in the background, fewer white areas"'

LOG = "\b\nExample:\n  duktus log a-0123456789abcdef --out way.svg"
DIARY = "\b\nExample:\n  duktus diary portraits --out diary.pdf"


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=AIM)(aim)
    app.command(epilog=LOG)(log)
    app.command(epilog=DIARY)(diary)


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


def log(
    context: typer.Context,
    asset: Asset,
    graph: Annotated[
        str | None, typer.Option("--graph", help="mermaid, dot or svg, instead of the lines.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the graph to a .mmd, .dot or .svg file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell the way to a picture: from the training pictures through every step."""

    def act(given: Given) -> Outcome:
        from duktus.actions.log import draw_way, graph_kind
        from duktus.actions.log import log as action
        from duktus.wiring import workspace

        here = workspace(given.place)
        kind = graph_kind(graph, out)
        way = action(here, asset)
        document = _way_json(here, way)
        if kind is None:
            return Outcome({"log": document}, _way_lines(way))
        text = draw_way(here, way, kind, out)
        document["graph"] = {"kind": kind, "path": str(out.absolute()) if out else None, "text": text}
        return Outcome({"log": document}, [str(out.absolute())] if out else text.splitlines())

    perform(context, as_json, act)


def _way_lines(way: Way) -> list[str]:
    from duktus.actions.log import step_lines
    from duktus.cli.naming import prompt_of
    from duktus.domain.changes import told

    lines: list[str] = []
    for style in way.styles:
        count = len(style.training_pictures)
        lines.append(
            f"{count} training pictures -> style {style.name}, taught on {style.base.name}, "
            f"{style.steps} steps, verdict {style.verdict.outcome}  {style.created:%Y-%m-%d %H:%M}"
        )
    for number, step in enumerate(way.steps, start=1):
        lines.append(f"{number:>3}  {step.picture.id}  {step.picture.created:%Y-%m-%d %H:%M}")
        if step.descent is not None:
            lines += [f"       {words}" for words in told(step.descent.changes)]
        else:
            lines.append(f"       {prompt_of(step.picture, 400)}")
        lines += [f"       {words}" for words in step_lines(step)]
    lines += [f"in the series {name}" for name in way.series]
    lines += [f"in the collection {name}" for name in way.collections]
    lines += [f"gone on from it: {one.child} ({'; '.join(told(one.changes))})" for one in way.onward]
    return lines


def _way_json(here: Workspace, way: Way) -> dict[str, Any]:
    from duktus.actions.reports import picture_json, standing_json

    return {
        "styles": [
            {
                "name": style.name,
                "hash": style.hash,
                "base": style.base.model_dump(mode="json"),
                "steps": style.steps,
                "verdict": style.verdict.outcome.value,
                "training_pictures": list(style.training_pictures),
                "created": style.created.isoformat(),
            }
            for style in way.styles
        ],
        "steps": [
            {
                **picture_json(here, step.picture),
                "descent": step.descent.model_dump(mode="json") if step.descent else None,
                "drawn_over": step.over.model_dump(mode="json") if step.over else None,
                "aim": step.aim.text if step.aim else None,
                "standing": standing_json(step.standing),
                "decisions": [event.model_dump(mode="json") for event in step.decisions],
            }
            for step in way.steps
        ],
        "onward": [one.model_dump(mode="json") for one in way.onward],
        "series": list(way.series),
        "collections": list(way.collections),
    }


def diary(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A series, a collection, or a picture: the whole way to it."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .pdf, .html or .md file.")],
    title: Annotated[str | None, typer.Option("--title", help="Otherwise the name.")] = None,
    language: Annotated[
        str, typer.Option("--language", help="en or de, of what the diary itself says.")
    ] = "en",
    as_json: AsJson = False,
) -> None:
    """Write the diary: what was sought, what changed from picture to picture, what was kept and why."""

    def act(given: Given) -> Outcome:
        from duktus.actions.diary import write_diary
        from duktus.wiring import workspace

        done = write_diary(
            workspace(given.place), name, out, title=title, language=language, progress=given.terminal
        )
        document = {"name": name, "path": str(done.path), "pictures": done.pictures}
        return Outcome({"diary": document}, [str(done.path)])

    perform(context, as_json, act)
