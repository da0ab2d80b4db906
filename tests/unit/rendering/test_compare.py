from __future__ import annotations

import math

import numpy as np
import pytest

from duktus.domain.errors import MismatchError
from duktus.rendering.compare import compare, pixel_hash


def test_identical_pictures_have_no_distance():
    a = np.full((4, 5, 3), 7, np.uint8)
    assert compare(a, a.copy()) == compare(a, a)
    assert compare(a, a).identical
    assert compare(a, a).psnr == math.inf
    assert pixel_hash(a) == pixel_hash(np.asfortranarray(a))


def test_distance_has_no_sign_and_no_overflow():
    a, b = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert compare(a, b) == compare(b, a)
    assert (compare(a, b).max_abs, compare(a, b).psnr) == (255, 0)
    c = a.copy()
    c[0, 0, 0] = 1
    assert compare(a, c).max_abs == 1
    assert compare(a, c).psnr == pytest.approx(10 * math.log10(255**2 * 12))
    assert pixel_hash(a) != pixel_hash(c)


def test_pictures_of_two_sizes_cannot_be_compared():
    with pytest.raises(MismatchError, match="3 x 2 and 2 x 3"):
        compare(np.zeros((2, 3, 3), np.uint8), np.zeros((3, 2, 3), np.uint8))
