"""``base add|list|show|check|remove``."""

from __future__ import annotations

from typing import Annotated

import typer

from duktus.cli.options import AsJson
from duktus.cli.outcome import MENDABLE, Given, Outcome, perform

ADD = "\b\nExample:\n  duktus base add my-models/sdxl --name sdxl"
LIST = "\b\nExample:\n  duktus base list"
SHOW = "\b\nExample:\n  duktus base show miniature"
CHECK = "\b\nExample:\n  duktus base check miniature"
REMOVE = "\b\nExample:\n  duktus base remove sdxl"

BaseName = Annotated[str, typer.Argument(help="The base's name.")]


def app() -> typer.Typer:
    """The commands below ``base``."""
    tree = typer.Typer(help="Add, list, show, check and remove base models.", no_args_is_help=True)
    tree.command("add", epilog=ADD)(add)
    tree.command("list", epilog=LIST)(list_)
    tree.command("show", epilog=SHOW)(show)
    tree.command("check", epilog=CHECK)(check)
    tree.command("remove", epilog=REMOVE)(remove)
    return tree


def add(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A diffusers folder, a .safetensors file, or a hub id.")],
    name: Annotated[str | None, typer.Option("--name", help="What the base is called from now on.")] = None,
    role: Annotated[
        str | None, typer.Option("--role", help="'teach and render', 'render only' or 'teach only'.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Of a hub id: a branch, tag or commit.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option("--config", help="Of a single file: a folder or hub id with its family's settings."),
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option("--parts", help="Of a transformer's file: a folder or base with all other parts."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a base model: recognised by its contents, checked whole, pinned by its hash."""

    def act(given: Given) -> Outcome:
        from duktus.actions.add_base import Wanted, add_base
        from duktus.actions.base_reports import added_json
        from duktus.domain.base import role_of
        from duktus.wiring import workspace

        wanted = Wanted(source, name, None if role is None else role_of(role), revision, config, parts)
        added = add_base(workspace(given.place, make=True), wanted, progress=given.terminal)
        base = added.base
        lines = (
            f"Added '{base.name}': {base.family}, {base.role.value}, {base.weights[:16]}",
            added.words,
            f'Next: duktus render "..." --base {base.name}',
        )
        return Outcome({"base": added_json(added)}, lines)

    perform(context, as_json, act)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the bases that can be used here."""

    def act(given: Given) -> Outcome:
        from duktus.actions.base_reports import listed_json
        from duktus.actions.bases import list_bases
        from duktus.wiring import workspace

        found = list_bases(workspace(given.place, make=True))
        lines = [
            f"{'*' if one.default else ' '} {one.name:<24} "
            + (f"{one.record.family:<8} {one.record.role.value:<17} " if one.record else " " * 27)
            + str(one.folder)
            for one in found
        ]
        return Outcome({"bases": [listed_json(one) for one in found]}, lines)

    perform(context, as_json, act)


def show(context: typer.Context, name: BaseName, as_json: AsJson = False) -> None:
    """Show a base: family, role in words, hash, where it comes from, its defaults."""

    def act(given: Given) -> Outcome:
        from duktus.actions.base_reports import shown_json
        from duktus.actions.bases import show_base
        from duktus.wiring import workspace

        shown = show_base(workspace(given.place, make=True), name)
        base, teach = shown.base, shown.teach
        lines = [
            f"{base.name}  family {base.family}, {base.role.value}",
            f"role      {shown.words}",
            f"folder    {base.folder} ({shown.size / 1e9:.2f} GB)",
            f"hash      {base.weights}",
            (
                f"render    {base.render.width} x {base.render.height} px, {base.render.steps} steps, "
                f"cfg {base.render.cfg:g}, {base.render.sampler.value}, {base.render.schedule.value}"
            ),
            (
                f"teach     {teach.steps} steps, learning rate {teach.learning_rate:g}, batch {teach.batch}, "
                f"{teach.resolution} px; {teach.source}"
            ),
        ]
        if shown.record:
            at = f" at {shown.record.revision}" if shown.record.revision else ""
            lines.insert(3, f"from      {shown.record.source}{at}")
        return Outcome({"base": shown_json(shown)}, lines)

    perform(context, as_json, act)


def check(context: typer.Context, name: BaseName, as_json: AsJson = False) -> None:
    """Read every byte of a base: ends 0 when it is whole and the one that was added, 2 when not."""

    def act(given: Given) -> Outcome:
        from duktus.actions.bases import check_base
        from duktus.wiring import workspace

        found = check_base(workspace(given.place, make=True), name)
        lines = [f"{found.name}: {found.found}", *([found.next_step] if found.next_step else [])]
        document = {"name": found.name, "ok": found.well, "found": found.found, "next_step": found.next_step}
        return Outcome({"base": document}, lines, 0 if found.well else MENDABLE)

    perform(context, as_json, act)


def remove(context: typer.Context, name: BaseName, as_json: AsJson = False) -> None:
    """Forget an added base; its own folder and the hub's cache stay."""

    def act(given: Given) -> Outcome:
        from duktus.actions.bases import remove_base
        from duktus.wiring import workspace

        gone = remove_base(workspace(given.place), name)
        lines = [f"Removed '{name}'" + (f" and its files in {gone.folder}." if gone.folder else ".")]
        if gone.styles:
            lines.append(
                f"Taught on it: {', '.join(gone.styles)}. They stay; add the base again to render with it."
            )
        document = {"name": name, "folder": str(gone.folder) if gone.folder else None}
        return Outcome({"removed": document | {"styles": list(gone.styles)}}, lines)

    perform(context, as_json, act)
