"""Damaged metadata and pictures; `benchmarks/metadata.py` does the same with 11,000."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from tools.foreign_pictures.hostile_run import hostile_run
from tools.foreign_pictures.mutations import Case, damaged_pictures, mutated_blocks


@pytest.mark.slow
@pytest.mark.parametrize(("make", "count"), [(mutated_blocks, 500), (damaged_pictures, 100)])
def test_no_crash_nothing_lost_every_refusal_explained(
    tmp_path: Path, make: Callable[[int, int], Iterable[Case]], count: int
) -> None:
    run = hostile_run(tmp_path, make(count, 2026))
    assert run.wrong == []
    assert run.cases == count == run.new + run.known + run.refused
    assert run.new  # the run reached what it is about:
    assert run.with_settings


def test_a_seed_always_makes_the_same_cases() -> None:
    assert list(mutated_blocks(20, 7)) == list(mutated_blocks(20, 7))
    assert list(mutated_blocks(20, 7)) != list(mutated_blocks(20, 8))
    assert list(damaged_pictures(20, 7)) == list(damaged_pictures(20, 7))
