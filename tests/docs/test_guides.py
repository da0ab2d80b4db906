"""The guides, run from top to bottom as a reader would, on the miniature and the nine sample portraits."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.docs.documents import ROOT, Block, blocks, matches
from tests.support.workspaces import Ran, environment

from duktus import miniature

Give = Callable[[Path, str], Ran]

FIRST = "nine-pictures"
"""Given as a reader gives it, each command to a shell and in a process of its own."""

GUIDES = (
    FIRST,
    "what-stays",
    "sweeps",
    "reproduce",
    "keeping-track",
    "from-a-picture",
    "picture-files",
    "bases",
    "styles-of-others",
)
"""In the order in which a reader follows them: each goes on in the workspace of the one before."""

READ = ("flux-and-z-image", "a-word")
"""The one needs weights of many gigabytes, which no test downloads; the other minutes of teaching. Both have
tests of their own."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guides")
    shutil.copytree(miniature.portraits_folder(), folder / "my-pictures")
    return folder


@pytest.fixture
def shell(tmp_path: Path) -> Give:
    """Give a command to a shell, with ``duktus`` on the path, from this source tree; no network."""
    program = tmp_path / "bin" / "duktus"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m duktus "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"

    def give(cwd: Path, command: str) -> Ran:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=cwd,
            env=environment({"PATH": path, "HF_HUB_OFFLINE": "1"}),
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return give


@pytest.fixture
def here(cli: Callable[..., Ran]) -> Give:
    """Give a command in this process, which has torch loaded, with the words that a shell makes of it."""

    def give(cwd: Path, command: str) -> Ran:
        program, *arguments = words(command, cwd)
        assert program == "duktus"
        return cli(cwd, *arguments)

    return give


def words(command: str, cwd: Path) -> list[str]:
    """What a shell hands to the program: names of files found, quotes gone."""
    assert not set(shlex.shlex(command, posix=True, punctuation_chars=True)) & {"|", ">", "<", ";", "&", "&&"}
    done = subprocess.run(
        ["bash", "-c", rf"printf '%s\0' {command}"], cwd=cwd, capture_output=True, text=True, check=True
    )
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_runs(
    guide: str, workspace: Path, here: Give, shell: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [block for block in blocks(ROOT / "docs" / "guides" / f"{guide}.md") if block.runs]
    assert steps
    for block in steps:
        if block.language == "python":
            monkeypatch.chdir(workspace)
            exec(compile(block.body, f"{guide}.md", "exec"), {"__name__": "__main__"})  # noqa: S102
            continue
        for command, expected in block.commands():
            give = shell if guide == FIRST else here
            check(give(workspace, command), block, command, expected)


def check(ran: Ran, block: Block, command: str, expected: str) -> None:
    where = f"{block.file.name}, block at line {block.line}: {command}"
    assert ran.code == 0, f"{where}\nended {ran.code}\n{ran.out}\n{ran.err[-4000:]}"
    assert matches(expected, ran.out), f"{where}\nexpected:\n{expected}\ngot:\n{ran.out}"


def test_every_guide_is_run() -> None:
    assert {file.stem for file in (ROOT / "docs" / "guides").glob("*.md")} == {*GUIDES, *READ}
