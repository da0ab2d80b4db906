"""``search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from duktus.cli.options import AsJson
from duktus.cli.outcome import Given, Outcome, perform

if TYPE_CHECKING:
    from duktus.actions.search import Page
    from duktus.actions.workspace import Workspace
    from duktus.domain.query import Query

SEARCH = (
    "\b\nExample:\n  duktus search portrait --style sportrait-laz --cfg 2.5..4.4 --save portraits-of-mine"
)


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=SEARCH)(search)


def search(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(help='Words of the prompt: all of them; "a phrase", begin*, -without (after --).'),
    ] = None,
    negative: Annotated[str, typer.Option("--negative", help="Words of the negative prompt.")] = "",
    base: Annotated[str | None, typer.Option("--base", help="The name of the base.")] = None,
    style: Annotated[str | None, typer.Option("--style", help="The name of a style.")] = None,
    strength: Annotated[str | None, typer.Option("--strength", help="1.2..1.33, 1.3, 1.2.. or ..1.3")] = None,
    cfg: Annotated[str | None, typer.Option("--cfg", help="3.8..4.4, 4, 4.. or ..4")] = None,
    steps: Annotated[str | None, typer.Option("--steps", help="A range as for --cfg.")] = None,
    seed: Annotated[str | None, typer.Option("--seed", help="A range as for --cfg.")] = None,
    sampler: Annotated[str | None, typer.Option("--sampler", help="E.g. 'DPM++ 2M', Euler, DDIM.")] = None,
    schedule: Annotated[str | None, typer.Option("--schedule", help="normal, Karras, exponential.")] = None,
    tool: Annotated[
        str | None,
        typer.Option("--tool", help="Of imported pictures: ComfyUI, A1111, ..., imported, unknown; or here."),
    ] = None,
    size: Annotated[str | None, typer.Option("--size", metavar="WxH", help="In pixels.")] = None,
    decision: Annotated[str | None, typer.Option("--decision", help="keep, discard or undecided.")] = None,
    stars: Annotated[str | None, typer.Option("--stars", help="3.. for three and more; a range.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="A colour, or none.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="2026, 2026-03, 2026-03-14")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Included whole.")] = None,
    series: Annotated[str | None, typer.Option("--series", help="Only pictures of this series.")] = None,
    collection: Annotated[
        str | None, typer.Option("--collection", help="Only pictures of this collection.")
    ] = None,
    order: Annotated[str, typer.Option("--order", help="newest, oldest, stars, cfg or strength.")] = "newest",
    page: Annotated[int, typer.Option("--page", min=1)] = 1,
    per_page: Annotated[int, typer.Option("--per-page", min=1, max=1000)] = 50,
    save: Annotated[str | None, typer.Option("--save", metavar="NAME", help="Keep this search.")] = None,
    saved: Annotated[
        str | None, typer.Option("--saved", metavar="NAME", help="Give a kept one again.")
    ] = None,
    list_saved: Annotated[bool, typer.Option("--list-saved", help="List the kept ones and end.")] = False,
    forget: Annotated[str | None, typer.Option("--forget", metavar="NAME", help="Remove a kept one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find pictures: every condition given has to hold."""
    asked = {
        "words": " ".join(words or []),
        "negative_words": negative,
        "base": base,
        "style": style,
        "strength": strength,
        "cfg": cfg,
        "steps": steps,
        "seed": seed,
        "sampler": sampler,
        "schedule": schedule,
        "tool": tool,
        "size": size,
        "decision": decision,
        "stars": stars,
        "label": label,
        "since": since,
        "until": until,
        "series": series,
        "collection": collection,
        "order": order,
    }

    def act(given: Given) -> Outcome:
        from duktus.actions.search import find, forget_search, save_search, saved_search
        from duktus.domain.reading_queries import query_of
        from duktus.wiring import workspace

        here = workspace(given.place)
        if list_saved:
            return _listed(here)
        if forget is not None:
            forget_search(here, forget)
            return Outcome({"forgotten": forget}, [f"forgot the search '{forget}'; its pictures stay"])
        query = query_of(asked, saved_search(here, saved) if saved else None)
        if save is not None:
            save_search(here, save, query)
        found = find(here, query, page=page, per_page=per_page)
        return Outcome(_document(here, found), _lines(found))

    perform(context, as_json, act)


def _listed(here: Workspace) -> Outcome:
    from duktus.actions.search import saved_searches_of

    known = saved_searches_of(here)
    lines = [f"{name:<24} {_short(query)}" for name, query in known.items()]
    document = {name: query.model_dump(mode="json", exclude_defaults=True) for name, query in known.items()}
    return Outcome({"searches": document}, lines or ["No search is saved yet: --save NAME saves one."])


def _document(here: Workspace, found: Page) -> dict[str, Any]:
    from duktus.actions.reports import picture_json, standing_json

    return {
        "search": {
            "query": found.query.model_dump(mode="json", exclude_defaults=True),
            "page": found.number,
            "more": found.more,
            "pictures": [
                {**picture_json(here, one), "standing": standing_json(found.standings[one.id])}
                for one in found.pictures
            ],
        }
    }


def _lines(found: Page) -> list[str]:
    from duktus.cli.naming import decided, in_short, prompt_of

    lines: list[str] = []
    for one in found.pictures:
        line = f"{one.id}  {one.created:%Y-%m-%d}  {in_short(one)}  {decided(found.standings[one.id])}"
        lines.append(f"{line.rstrip()}  {prompt_of(one, 48)}")
    if found.more:
        lines.append(f"There are more: --page {found.number + 1}")
    return lines or ["Nothing was found."]


def _short(query: Query) -> str:
    given = query.model_dump(mode="json", exclude_defaults=True)
    return "  ".join(f"{key} {value}" for key, value in given.items())
