"""The example in every command's help is given, as it stands, in one workspace."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.journey.conftest import new_workspace
from tests.support.beginnings import write_random_upscaler
from tests.support.portfolio import write_pictures
from tests.support.tiny_sdxl import write_tiny_sdxl
from tests.support.workspaces import Ran

from duktus.actions import demo as demo_action
from duktus.cli.app import build

Cli = Callable[..., Ran]
ORDER = (
    "duktus", "init", "doctor", "style teach", "style list", "style show", "style export", "style check",
    "style import", "sweep",
    "render", "sheet", "series list", "series show", "series resume", "series pause",
    "prompts add", "prompts change", "prompts list", "prompts show", "prompts used",
    "show", "import", "export", "scrub", "diff", "verify", "upscale", "keep", "discard", "rate",
    "undecided", "label", "undo", "redo", "search", "aim", "log", "diary",
    "collection add", "collection move",
    "collection list", "collection show", "collection remove",
    "base add", "base list", "base show", "base check", "base remove", "demo",
)  # fmt: skip
ONCE = {
    "duktus", "init", "demo", "undo", "redo", "collection remove", "style export", "export", "scrub",
    "base add", "base remove",
}  # fmt: skip
FIRST, SECOND = "a-0123456789abcdef", "a-fedcba9876543210"


def commands() -> dict[str, Any]:
    """Every command of the tree by its words."""
    root: Any = typer.main.get_command(build())
    found: dict[str, Any] = {"duktus": root}
    for name, command in root.commands.items():
        for below, inner in getattr(command, "commands", {"": command}).items():
            found[f"{name} {below}".strip()] = inner
    return found


def example(command: Any) -> list[str]:
    lines = re.findall(r"^  (duktus .*)$", command.epilog or "", re.MULTILINE)
    assert lines, f"{command.name} has no example"
    return lines


def test_every_command_has_one() -> None:
    assert set(commands()) == set(ORDER)


def test_help_shows_the_example_and_every_option_is_explained(cli: Cli, tmp_path: Path) -> None:
    for name, command in commands().items():
        words = () if name == "duktus" else tuple(name.split())
        ran = cli(tmp_path, *words, "--help")
        assert ran.code == 0
        for line in example(command):
            assert line in ran.out, name
        if name != "duktus":
            assert "--json" in ran.out


def test_they_all_run(
    cli: Cli, tmp_path: Path, bases: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = new_workspace(tmp_path / "workspace", bases)
    write_pictures(root / "my-pictures", 9)
    write_random_upscaler(root / "my-upscaler")
    write_tiny_sdxl(root / "my-models" / "sdxl")
    # The demo is told to work on the small base, with fewer pictures; all else is as in the house.
    monkeypatch.setattr("duktus.wiring.weights_folder", lambda: bases["tiny"])
    monkeypatch.setattr(demo_action, "FRESH", 3)
    ids: list[str] = []
    everything = commands()
    for name in ORDER:
        for line in example(everything[name]):
            arguments = shlex.split(line)[1:]
            if ids:
                arguments = [{FIRST: ids[0], SECOND: ids[1]}.get(word, word) for word in arguments]
            ran = cli(root, *arguments)
            if name == "series pause":  # nobody renders it at this moment
                assert ran.code == 2
                continue
            assert ran.code == 0, f"{line}\n{ran.err}"
            assert ran.out, line
            if name not in ONCE:
                document = cli(root, *arguments, "--json")
                # The second time the name is taken, or the text is there.
                if name not in {"style teach", "style import", "prompts add", "prompts change"}:
                    assert document.code == 0, f"{line} --json\n{document.err}"
                assert isinstance(document.document, dict)
        if name == "sweep":
            series = cli(root, "series", "show", "portraits", "--json").document["series"]
            ids = [one["id"] for one in series["assets"]][:2]
    assert (root / "portraits.html").is_file()
    assert (root / "exported" / "sportrait-laz.safetensors").is_file()
    assert len(list((root / "demo-output" / "pictures").glob("*.png"))) == 30
