"""Crops, flips, order and what is cached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.support.portfolio import pixels

from duktus.domain.base import Base
from duktus.domain.style import TeachSettings
from duktus.families import registry
from duktus.training import TrainingSet
from duktus.training.cache import build_cache, data_order, squares


def test_the_first_square_is_the_middle_and_a_flip_mirrors_it() -> None:
    picture = pixels(1, 100, 64)
    first, mirrored, *others = squares(picture, 64, 3, flip=True, seed=5)
    assert np.array_equal(first, picture[:, 18:82])
    assert np.array_equal(mirrored, first[:, ::-1])
    assert len(others) == 4
    assert all(square.shape == (64, 64, 3) for square in others)
    again = list(squares(picture, 64, 3, flip=True, seed=5))
    assert all(np.array_equal(one, other) for one, other in zip(others, again[2:], strict=True))


def test_every_round_shows_each_variant_once_in_a_new_order() -> None:
    shown = [variant for step in range(21) for variant in data_order(7, 3, step, seed=0)]
    rounds = [shown[n : n + 7] for n in range(0, 63, 7)]
    assert all(Counter(order) == Counter(range(7)) for order in rounds)
    assert len({tuple(order) for order in rounds}) > 6
    assert data_order(3, 8, 0, seed=1) != data_order(3, 8, 0, seed=2)


def test_latents_keep_their_deviation_and_captions_their_row(
    tiny_base: Base, pictures: TrainingSet, settings: Callable[..., TeachSettings]
) -> None:
    taught, held_out = pictures.split(None)
    base = registry.family(tiny_base.family).load(tiny_base)
    cache = build_cache(base, taught, held_out, settings(crops=2, flip=True))
    assert cache.taught.mean.shape == (28, 16, 8, 8)
    assert cache.taught.deviation.min() > 0
    assert cache.taught.picture == tuple(n for n in range(7) for _ in range(4))
    assert not torch.equal(cache.taught.mean[0], cache.taught.mean[2])
    assert cache.held_out is not None
    assert cache.held_out.mean.shape == (2, 16, 8, 8)
    captions = [picture.caption for picture in taught.pictures]
    same = [one == other for one in captions for other in captions]
    assert same == [one == other for one in cache.taught.text for other in cache.taught.text]
    assert cache.empty not in cache.taught.text
    with pytest.raises(RuntimeError, match="dropped"):
        base.encode_text(["again"])
