"""What is loaded when: the command line starts without what it does not need yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.loading import loaded
from tests.support.workspaces import environment

HEAVY = {
    "torch",
    "diffusers",
    "transformers",
    "peft",
    "numpy",
    "PIL",
    "sqlalchemy",
    "alembic",
    "rich",
}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sweep", "--help"], ["style", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert not loaded(arguments, tmp_path) & HEAVY


def test_listing_does_not_load_torch(tmp_path: Path) -> None:
    assert "torch" not in loaded(["init"], tmp_path)
    for arguments in (
        ["series", "list"],
        ["style", "list", "--json"],
        ["base", "list"],
        ["sweep", "a", "--seed", "1,2", "--plan"],
    ):
        assert not loaded(arguments, tmp_path) & {"torch", "diffusers", "transformers", "peft"}


def test_importing_the_package_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import duktus, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(done.stdout.split()) & HEAVY


def test_opening_a_workspace_does_not_load_torch(tmp_path: Path) -> None:
    code = "import duktus, sys; duktus.open('ws').list_series(); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
    assert (tmp_path / "ws" / "duktus.toml").is_file()
