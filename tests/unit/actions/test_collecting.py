"""How often Python looks for garbage."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from duktus.actions.collecting import SELDOM, collect_seldom


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(("often", "then"), [(700, SELDOM), (2000, SELDOM), (SELDOM + 1, SELDOM + 1), (0, 0)])
def test_never_more_often_than_a_person_wants(often: int, then: int) -> None:
    gc.set_threshold(often, 7, 5)
    collect_seldom()
    assert gc.get_threshold() == (then, 7, 5)


@pytest.mark.parametrize(
    "door", ["from duktus.cli.app import run; run(['base', 'list'])", "import duktus; duktus.open('here')"]
)
def test_both_doors_do_it(door: str, tmp_path: Path) -> None:
    asked = f"import gc\ntry:\n    {door}\nexcept SystemExit:\n    pass\nprint(gc.get_threshold()[0])"
    answer = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == str(SELDOM)
