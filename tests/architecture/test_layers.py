"""The map of the house is checked by its tool, and its house rules by reading the tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.workspaces import REPOSITORY, environment

SOURCES = REPOSITORY / "src" / "duktus"
EMPTY_NAMES = {"utils", "common", "core", "helpers", "shared", "manager", "models"}
MOST_LINES = 600


def test_imports_keep_to_the_layers() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [tool, "--no-cache"], cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_things_are_named_by_their_content() -> None:
    named = {path.stem for path in SOURCES.rglob("*.py")} | {
        path.name for path in SOURCES.rglob("*") if path.is_dir()
    }
    assert not named & EMPTY_NAMES


def test_files_stay_readable() -> None:
    long = {
        path.relative_to(SOURCES).as_posix(): count
        for path in SOURCES.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long


@pytest.mark.parametrize("word", ["torch.load(", "import pickle", " eval(", "extractall("])
def test_nothing_untrusted_is_ever_executed(word: str) -> None:
    guilty = [
        f"{path.relative_to(SOURCES)}:{number}"
        for path in SOURCES.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if word in line
    ]
    assert not guilty


def test_words_are_printed_by_the_command_line_alone() -> None:
    guilty = [
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if path.relative_to(SOURCES).parts[0] != "cli"
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith("print(")
    ]
    assert not guilty
