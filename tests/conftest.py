"""For all tests: one thread for each worker, the longest files first, commands given in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before torch is loaded: two workers with two threads each on two cores are slower than one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.support.workspaces import Ran

from duktus.cli.app import run

pytest.register_assert_rewrite("tests.families.conformance")  # before anything imports it

LONGEST_FIRST = (
    "tests/docs/test_guides.py",
    "tests/journey/test_the_hand.py",
    "tests/families",
    "tests/journey",
)
"""A file is one worker's from its first test to its last. A long one that begins last is waited for alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        ahead = (number for number, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path))
        return next(ahead, len(LONGEST_FIRST))

    items.sort(key=place)


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith("DUKTUS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def cli(
    plain_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Give a command in this process, in the folder ``cwd``."""

    def call(cwd: Path, *arguments: str) -> Ran:
        capsys.readouterr()
        with monkeypatch.context() as there:
            there.chdir(cwd)
            code = run(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call
