"""A small base and a folder of pictures, written once per session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base

from duktus.domain.base import Base
from duktus.domain.style import TeachSettings
from duktus.families import registry
from duktus.training import TrainingSet, read_training_set


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = write_tiny_base(
        tmp_path_factory.mktemp("base") / "tiny", channels=(32, 48), sample_size=8, duktus=MINIATURE_DEFAULTS
    )
    return registry.family_of(folder).describe(folder, "tiny")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "pictures", 9)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    folder = write_pictures(tmp_path_factory.mktemp("nine") / "pictures", 9)
    return read_training_set(folder, trigger=TRIGGER, resolution=64)


@pytest.fixture
def settings() -> Callable[..., TeachSettings]:
    def make(**changes: object) -> TeachSettings:
        quick: dict[str, object] = {
            "trigger": TRIGGER,
            "steps": 8,
            "learning_rate": 1e-3,
            "rank": 4,
            "alpha": 4,
            "batch": 2,
            "resolution": 64,
            "evaluate_every": 4,
            "checkpoint_every": 3,
            "probe_timesteps": 2,
            "probe_draws": 1,
        }
        return TeachSettings.model_validate(quick | changes)

    return make
