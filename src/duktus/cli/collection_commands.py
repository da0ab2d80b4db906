"""``collection add|remove|move|list|show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from duktus.cli.options import AsJson, Asset, Assets
from duktus.cli.outcome import Given, Outcome, perform

if TYPE_CHECKING:
    from duktus.actions.collect import Collection
    from duktus.actions.workspace import Workspace

ADD = "\b\nExample:\n  duktus collection add exhibition a-0123456789abcdef a-fedcba9876543210"
MOVE = "\b\nExample:\n  duktus collection move exhibition a-fedcba9876543210 --to 1"
LIST = "\b\nExample:\n  duktus collection list"
SHOW = "\b\nExample:\n  duktus collection show exhibition"
REMOVE = "\b\nExample:\n  duktus collection remove exhibition a-0123456789abcdef"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The collection's name.")]


def app() -> typer.Typer:
    """The commands below ``collection``."""
    tree = typer.Typer(help="Put pictures together by hand, across series.", no_args_is_help=True)
    tree.command("add", epilog=ADD)(add)
    tree.command("move", epilog=MOVE)(move)
    tree.command("list", epilog=LIST)(list_)
    tree.command("show", epilog=SHOW)(show)
    tree.command("remove", epilog=REMOVE)(remove)
    return tree


def add(context: typer.Context, name: Name, assets: Assets, as_json: AsJson = False) -> None:
    """Put pictures at the end of a collection; the first one makes it."""

    def act(given: Given) -> Outcome:
        from duktus.actions.collect import collect
        from duktus.wiring import workspace

        here = workspace(given.place)
        return _outcome(here, collect(here, name, assets))

    perform(context, as_json, act)


def remove(context: typer.Context, name: Name, assets: Assets, as_json: AsJson = False) -> None:
    """Take pictures out of a collection; they stay in the archive."""

    def act(given: Given) -> Outcome:
        from duktus.actions.collect import take_out
        from duktus.wiring import workspace

        here = workspace(given.place)
        return _outcome(here, take_out(here, name, assets))

    perform(context, as_json, act)


def move(
    context: typer.Context,
    name: Name,
    asset: Asset,
    to: Annotated[int, typer.Option("--to", help="The place, counted from 1.")],
    as_json: AsJson = False,
) -> None:
    """Put a picture of a collection at another place."""

    def act(given: Given) -> Outcome:
        from duktus.actions.collect import place
        from duktus.wiring import workspace

        here = workspace(given.place)
        return _outcome(here, place(here, name, asset, to))

    perform(context, as_json, act)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the collections of this workspace."""

    def act(given: Given) -> Outcome:
        from duktus.actions.collect import list_collections
        from duktus.wiring import workspace

        found = list_collections(workspace(given.place))
        document = {
            "collections": [
                {"name": one.name, "pictures": one.pictures, "created": one.created.isoformat()}
                for one in found
            ]
        }
        lines = [f"{one.name:<32} {one.pictures:>4} pictures  {one.created:%Y-%m-%d %H:%M}" for one in found]
        return Outcome(document, lines or ["No collection yet: duktus collection add NAME ASSET makes one."])

    perform(context, as_json, act)


def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show the pictures of a collection in order."""

    def act(given: Given) -> Outcome:
        from duktus.actions.collect import show_collection
        from duktus.wiring import workspace

        here = workspace(given.place)
        return _outcome(here, show_collection(here, name))

    perform(context, as_json, act)


def _outcome(here: Workspace, found: Collection) -> Outcome:
    from duktus.actions.reports import picture_json, standing_json
    from duktus.cli.naming import prompt_of

    document: dict[str, Any] = {
        "name": found.name,
        "aim": found.aim.text if found.aim else None,
        "pictures": [
            {**picture_json(here, one), "standing": standing_json(found.standings[one.id])}
            for one in found.pictures
        ],
    }
    count = len(found.pictures)
    lines = [f"{found.name}: {count} picture{'' if count == 1 else 's'}"]
    lines += [found.aim.text] if found.aim else []
    lines += [f"{place:>4}  {one.id}  {prompt_of(one, 60)}" for place, one in enumerate(found.pictures, 1)]
    return Outcome({"collection": document}, lines)
