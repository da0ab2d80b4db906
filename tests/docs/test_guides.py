"""The guides, run from top to bottom as a reader would, on the miniature and the nine sample portraits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.documents import ROOT, Block, blocks, matches

from duktus import miniature

GUIDES = (
    "nine-pictures",
    "sweeps",
    "reproduce",
    "keeping-track",
    "from-a-picture",
    "picture-files",
    "bases",
    "styles-of-others",
)
"""In the order in which a reader follows them: each goes on in the workspace of the one before."""

READ = ("flux-and-z-image",)
"""Needs weights of many gigabytes, which no test downloads; its families have tests of their own."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guides")
    shutil.copytree(miniature.portraits_folder(), folder / "my-pictures")
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """``duktus`` on the path, from this source tree; no network."""
    program = tmp_path_factory.mktemp("bin") / "duktus"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m duktus "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "HF_HUB_OFFLINE": "1",
    }


def run(
    arguments: list[str], block: Block, expected: str, workspace: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        arguments, cwd=workspace, env=environment, capture_output=True, text=True, check=False
    )
    where = f"{block.file.name}, block at line {block.line}: {arguments[-1]}"
    assert done.returncode == 0, f"{where}\nended {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    assert matches(expected, done.stdout), f"{where}\nexpected:\n{expected}\ngot:\n{done.stdout}"


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_runs(guide: str, workspace: Path, environment: dict[str, str]) -> None:
    steps = [block for block in blocks(ROOT / "docs" / "guides" / f"{guide}.md") if block.runs]
    assert steps
    for block in steps:
        if block.language == "python":
            run([sys.executable, "-c", block.body], block, "", workspace, environment)
            continue
        for command, expected in block.commands():
            run(["bash", "-c", command], block, expected, workspace, environment)


def test_every_guide_is_run() -> None:
    assert {file.stem for file in (ROOT / "docs" / "guides").glob("*.md")} == {*GUIDES, *READ}
