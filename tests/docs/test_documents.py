"""The documents agree with the code: links, commands, options, rooms, libraries."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.docs.documents import ROOT, Block, blocks, documents, links, matches

from duktus.cli.app import build
from duktus.notebook import Workspace

FILES = documents()


def every_block() -> list[Block]:
    return [block for file in FILES for block in blocks(file)]


def shell_commands() -> list[str]:
    return [
        command for block in every_block() if block.language == "console" for command, _ in block.commands()
    ]


def tree(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words below ``duktus``."""
    inner = getattr(group, "commands", None)
    if inner is None:
        yield words, group
        return
    for name, command in inner.items():
        yield from tree(command, (*words, name))


def commands() -> dict[tuple[str, ...], Any]:
    return dict(tree(typer.main.get_command(build())))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_relative_links_resolve(file: Path) -> None:
    broken = [
        target
        for target in links(file)
        if "://" not in target
        and not target.startswith("#")
        and not (file.parent / target.partition("#")[0]).exists()
    ]
    assert broken == []


def test_every_command_is_in_the_guides() -> None:
    text = "\n".join(file.read_text("utf-8") for file in FILES if file.name != "CONTRIBUTING.md")
    missing = [
        " ".join(words) for words in commands() if not re.search(rf"duktus {' '.join(words)}(?![\w-])", text)
    ]
    assert missing == []


def test_documented_commands_and_options_exist() -> None:
    known = commands()
    wrong: list[str] = []
    for line in shell_commands():
        program, *words = shlex.split(line)
        if program != "duktus":
            continue
        path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in known), None)
        if path is None:
            wrong.append(line)
            continue
        options = {
            name for parameter in known[path].params for name in (*parameter.opts, *parameter.secondary_opts)
        }
        wrong += [f"{line}: {word}" for word in words if word.startswith("--") and word not in options]
    assert wrong == []


def test_make_targets_in_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {line.split()[1] for line in shell_commands() if line.startswith("make ")}
    assert named <= targets


def test_python_in_the_documents_compiles_and_uses_verbs_that_exist() -> None:
    for block in every_block():
        if block.language != "python":
            continue
        compile(block.body.strip(), str(block.file), "exec")
        for verb in re.findall(r"\bws\.(\w+)\(", block.body):
            assert hasattr(Workspace, verb), f"{block.file.name}:{block.line}: ws.{verb}"


def test_the_map_shows_every_room_and_no_other() -> None:
    package = ROOT / "src" / "duktus"
    rooms = {
        path.stem
        for path in package.iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").is_file())
    }
    plan = next(block.body for block in blocks(ROOT / "README.md") if "src/duktus/" in block.body)
    shown = {
        name for line in plan.splitlines()[1:] for name in re.findall(r"\b(\w+)(?:/|\.py)(?=\s|$)", line)
    }
    assert shown == rooms
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert {room for room in rooms if f"`{room}`" not in table} == set()


def test_every_library_has_its_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "docs" / "decisions" / "libraries.md").read_text("utf-8")
    wanted = {re.split(r"[\s<>=!~\[;]", line)[0] for line in project["dependencies"]}
    assert {name for name in wanted if f"| {name} |" not in lines} == set()


def test_expected_output_is_matched_in_order() -> None:
    assert matches("kept a-...", "kept a-0123456789abcdef\n")
    assert matches("a ... c\nd", "a b  c\nd")
    assert matches("", "anything")
    assert not matches("one ... two", "two one")
    assert not matches("1.0", "1x0")
