"""The names that people write in notebooks and scripts; changing one is a decision, not an accident."""

from __future__ import annotations

import inspect

import duktus
from duktus.cli.app import build
from duktus.notebook import SeriesHandle, Workspace

VERBS = {
    "check_style",
    "doctor",
    "import_style",
    "aim",
    "collect",
    "collection",
    "add_base",
    "base",
    "bases",
    "check_base",
    "remove_base",
    "diary",
    "add_snippet",
    "change_snippet",
    "discard",
    "extend",
    "diff",
    "draw_log",
    "export",
    "export_pictures",
    "forget_search",
    "go_on",
    "import_pictures",
    "keep",
    "label",
    "list_collections",
    "list_series",
    "log",
    "path",
    "place",
    "pause",
    "plan",
    "rate",
    "redo",
    "render",
    "resume",
    "root",
    "saved_searches",
    "scrub",
    "search",
    "series",
    "sheet",
    "show",
    "snippet",
    "snippets",
    "style",
    "styles",
    "sweep",
    "take_out",
    "sweep_file",
    "sweep_from",
    "teach",
    "undecided",
    "undo",
    "upscale",
    "verify",
    "verify_series",
}
COMMANDS = {
    "init", "demo", "doctor", "render", "sweep", "sheet", "show", "diff", "verify", "upscale",
    "keep", "discard", "import", "export", "scrub",
    "base add", "base list", "base show", "base check", "base remove",
    "rate", "undecided", "label", "undo", "redo", "search", "aim", "log", "diary", "collection add",
    "collection remove", "collection move", "collection list", "collection show",
    "style teach", "style list", "style show", "style export", "style check", "style import",
    "series list", "series show",
    "series pause", "series resume", "prompts add", "prompts change", "prompts list", "prompts show",
    "prompts used",
}  # fmt: skip


def public(thing: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(thing) if not name.startswith("_")}


def test_the_package() -> None:
    assert set(duktus.__all__) == {"__version__", "open"}
    assert duktus.open.__doc__


def test_the_workspace_of_notebooks() -> None:
    assert public(Workspace) == VERBS
    assert public(SeriesHandle) == {
        "assets",
        "name",
        "notes",
        "paths",
        "sheet",
        "standings",
        "verify",
        "workspace",
    }
    for name in VERBS:
        assert inspect.getdoc(getattr(Workspace, name)), name


def test_the_commands() -> None:
    app = build()
    found = {command.callback.__name__.rstrip("_") for command in app.registered_commands if command.callback}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found |= {f"{group.name} {command.name}" for command in group.typer_instance.registered_commands}
    assert found == COMMANDS
