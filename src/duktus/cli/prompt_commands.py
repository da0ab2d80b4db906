"""``prompts add|change|list|show|used``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from duktus.cli.options import AsJson
from duktus.cli.outcome import Given, Outcome, perform

if TYPE_CHECKING:
    from duktus.archive.snippets import Use
    from duktus.domain.snippet import Snippet

ADD = '\b\nExample:\n  duktus prompts add soft-light "soft light from the left" --kind light'
CHANGE = '\b\nExample:\n  duktus prompts change soft-light "soft light from a north window"'
LIST = "\b\nExample:\n  duktus prompts list"
SHOW = "\b\nExample:\n  duktus prompts show soft-light"
USED = "\b\nExample:\n  duktus prompts used soft-light"

Name = Annotated[str, typer.Argument(help="The snippet's name.")]
Text = Annotated[str, typer.Argument(help="Its words; may weight them and name other snippets.")]


def app() -> typer.Typer:
    """The commands below ``prompts``."""
    tree = typer.Typer(
        help="Keep pieces of prompts, named in a prompt as <snippet:NAME>.", no_args_is_help=True
    )
    tree.command("add", epilog=ADD)(add)
    tree.command("change", epilog=CHANGE)(change)
    tree.command("list", epilog=LIST)(list_)
    tree.command("show", epilog=SHOW)(show)
    tree.command("used", epilog=USED)(used)
    return tree


def add(
    context: typer.Context,
    name: Name,
    text: Text,
    kind: Annotated[
        str, typer.Option("--kind", help="style, subject, light, background, negative or other.")
    ] = "other",
    brand: Annotated[str, typer.Option("--brand", help="The house it is meant for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put a snippet into the prompt library."""

    def act(given: Given) -> Outcome:
        from duktus.actions.prompt_library import add_snippet
        from duktus.wiring import workspace

        one = add_snippet(workspace(given.place, make=True), name, text, kind=kind, brand=brand)
        return Outcome({"snippet": _json(one)}, [f"Kept. A prompt names it <snippet:{one.name}>."])

    perform(context, as_json, act)


def change(context: typer.Context, name: Name, text: Text, as_json: AsJson = False) -> None:
    """Give a snippet a new text, as a further version; pictures made with an earlier one are named."""

    def act(given: Given) -> Outcome:
        from duktus.actions.prompt_library import change_snippet
        from duktus.wiring import workspace

        done = change_snippet(workspace(given.place), name, text)
        lines = [f"{name} is at version {done.snippet.version}."]
        lines += _words(list(done.affected), "made with an earlier version") if done.affected else []
        document = {"snippet": _json(done.snippet), "affected": [_use(one) for one in done.affected]}
        return Outcome(document, lines)

    perform(context, as_json, act)


def list_(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option("--kind", help="Only of this kind.")] = None,
    brand: Annotated[str | None, typer.Option("--brand", help="Only of this house.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the prompt library."""

    def act(given: Given) -> Outcome:
        from duktus.actions.prompt_library import list_snippets
        from duktus.wiring import workspace

        found = list_snippets(workspace(given.place), kind=kind, brand=brand)
        lines = [
            f"{one.snippet.name:<24} {one.snippet.kind:<10} {one.snippet.brand:<12} "
            f"{one.pictures:>4} pictures  {one.snippet.text}"
            for one in found
        ]
        document = {"snippets": [{**_json(one.snippet), "pictures": one.pictures} for one in found]}
        return Outcome(document, lines or ["No snippets yet: duktus prompts add makes one."])

    perform(context, as_json, act)


def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show every version of a snippet."""

    def act(given: Given) -> Outcome:
        from duktus.actions.prompt_library import show_snippet
        from duktus.wiring import workspace

        found = show_snippet(workspace(given.place), name)
        lines = [f"{name}  {found.newest.kind}  {found.newest.brand}".rstrip()]
        for one in found.versions:
            pictures = sum(use.version == one.version for use in found.uses)
            lines.append(
                f"  {one.version:>3}  {one.created:%Y-%m-%d %H:%M}  {one.author:<12} "
                f"{pictures:>4} pictures  {one.text}"
            )
        return Outcome({"versions": [_json(one) for one in found.versions]}, lines)

    perform(context, as_json, act)


def used(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show which pictures were made with a snippet, and with which version of it."""

    def act(given: Given) -> Outcome:
        from duktus.actions.prompt_library import show_snippet
        from duktus.wiring import workspace

        found = show_snippet(workspace(given.place), name)
        lines = _words(list(found.uses), f"made with '{name}'")
        return Outcome({"snippet": _json(found.newest), "used": [_use(one) for one in found.uses]}, lines)

    perform(context, as_json, act)


def _json(one: Snippet) -> dict[str, Any]:
    return {**one.model_dump(mode="json"), "hash": one.hash}


def _use(one: Use) -> dict[str, Any]:
    return {
        "id": one.asset_id,
        "version": one.version,
        "recipe_id": one.recipe_id,
        "series": list(one.series),
    }


def _words(uses: list[Use], how: str) -> list[str]:
    pictures = len({one.asset_id for one in uses})
    lines = [f"{pictures} picture{'' if pictures == 1 else 's'} {how}."]
    return lines + [
        f"  {one.asset_id}  version {one.version}  {', '.join(one.series)}".rstrip() for one in uses
    ]
