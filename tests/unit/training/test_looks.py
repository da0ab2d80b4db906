"""Distances between pictures."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.portfolio import pixels

from duktus.training import diversity
from duktus.training.looks import compare_looks


def flat(value: int) -> np.ndarray:
    return np.full((64, 64, 3), value, dtype=np.uint8)


def test_black_and_white_are_one_apart_and_equal_pictures_none() -> None:
    assert diversity([flat(0), flat(255)]) == pytest.approx(1)
    assert diversity([pixels(1), pixels(1), pixels(1)]) == 0


def test_the_mean_is_over_all_pairs_and_does_not_depend_on_size() -> None:
    assert diversity([flat(0), flat(51), flat(255)]) == pytest.approx((0.2 + 0.8 + 1) / 3)
    large = np.full((640, 300, 3), 51, dtype=np.uint8)
    assert diversity([flat(0), large]) == pytest.approx(0.2)


def test_finds_near_copies_of_originals() -> None:
    originals = [pixels(n) for n in range(4)]
    noisy = np.clip(originals[2].astype(int) + 4, 0, 255).astype(np.uint8)
    looks = compare_looks([noisy, pixels(50), pixels(51)], originals)
    assert [(sample, original) for sample, original, _ in looks.copies] == [(0, 2)]
    assert 0.5 < looks.share < 2
