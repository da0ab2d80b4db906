"""The held-out loss is the same number every time, and moves only with the adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from duktus.domain.base import Base
from duktus.domain.style import TeachSettings
from duktus.families import registry
from duktus.training import TrainingSet
from duktus.training.cache import build_cache
from duktus.training.evaluation import build_probes, mean, rows
from duktus.training.loop import Trainer


@pytest.fixture
def trainer(tiny_base: Base, pictures: TrainingSet, settings: Callable[..., TeachSettings]) -> Trainer:
    base = registry.family(tiny_base.family).load(tiny_base)
    quick = settings(probe_timesteps=3, probe_draws=2)
    return Trainer(base, build_cache(base, *pictures.split(None), quick), quick)


def test_a_fresh_adapter_is_the_base_and_looking_changes_nothing(trainer: Trainer) -> None:
    probes = build_probes(trainer.base, trainer.cache, trainer.settings)
    fresh = probes.evaluate(trainer.base, 0, None)
    trainer.learning.remove()
    assert probes.evaluate(trainer.base, 0, None) == fresh
    assert len(fresh.held_out) == len(fresh.train_probe) == 3
    point = fresh.point
    assert point.held_out_loss == pytest.approx(mean(fresh.held_out))


def test_the_number_of_rows_is_known_beforehand(trainer: Trainer) -> None:
    probes = build_probes(trainer.base, trainer.cache, trainer.settings)
    assert probes.held_out is not None
    asked = len(probes.held_out.noisy) + len(probes.taught.noisy)
    assert rows(len(trainer.cache.held_out.keys if trainer.cache.held_out else ()), trainer.settings) == asked
    alone = build_probes(trainer.base, replace(trainer.cache, held_out=None), trainer.settings)
    assert rows(0, trainer.settings) == len(alone.taught.noisy)


def test_the_noise_does_not_depend_on_the_seed_of_the_run(trainer: Trainer) -> None:
    one = build_probes(trainer.base, trainer.cache, trainer.settings)
    other = build_probes(trainer.base, trainer.cache, trainer.settings.model_copy(update={"seed": 9}))
    assert one.held_out is not None
    assert other.held_out is not None
    assert torch.equal(one.held_out.noisy, other.held_out.noisy)


def test_the_loss_is_what_the_contract_says_it_is(trainer: Trainer) -> None:
    probe = build_probes(trainer.base, trainer.cache, trainer.settings).held_out
    assert probe is not None
    base, held = trainer.base, trainer.cache.held_out
    assert held is not None
    texts = trainer.cache.conditioning.rows([held.text[pair % 2] for pair in range(4) for _ in range(3)])
    with torch.no_grad():
        answer = base.predict(probe.noisy, probe.timesteps, texts)
    by_row = (answer - probe.target).square().flatten(1).mean(1)
    expected = [float(by_row[probe.level == level].mean()) for level in range(3)]
    assert probe.losses(base) == pytest.approx(expected, rel=1e-4)


def test_training_lowers_it_and_another_caption_is_another_loss(trainer: Trainer) -> None:
    probes = build_probes(trainer.base, trainer.cache, trainer.settings)
    before = probes.evaluate(trainer.base, 0, None)
    for _ in range(6):
        trainer.advance()
    after = probes.evaluate(trainer.base, trainer.step, None)
    assert mean(after.held_out) < mean(before.held_out)
    swapped = probes.swap(trainer.base, after.train_probe)
    assert swapped is not None
    assert swapped.own == mean(after.train_probe)
    assert swapped.swapped != swapped.own
