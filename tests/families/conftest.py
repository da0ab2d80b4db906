"""What the conformance suite works on, made once per specimen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.families.conformance import Specimen, random_style_on
from tests.support.beginnings import Source, source_in
from tests.support.portfolio import TRIGGER, write_pictures

from duktus.domain.base import Base
from duktus.domain.style import TeachSettings
from duktus.families.family import LoadedBase
from duktus.families.registry import family, family_of
from duktus.training import Taught, TrainingSet, read_training_set
from duktus.training.teach import teach


@pytest.fixture(scope="class")
def folder(specimen: Specimen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return specimen.write(tmp_path_factory.mktemp("specimen") / "base")


@pytest.fixture(scope="class")
def base(folder: Path) -> Base:
    return family_of(folder).describe(folder, "specimen")


@pytest.fixture(scope="class")
def loaded(base: Base) -> LoadedBase:
    return family(base.family).load(base)


@pytest.fixture(scope="class")
def lesson(base: Base, specimen: Specimen) -> TeachSettings:
    defaults = family(base.family).teach_defaults(base)
    return TeachSettings(
        trigger=TRIGGER,
        steps=6,
        learning_rate=specimen.learning_rate,
        rank=4,
        alpha=2,
        batch=2,
        resolution=specimen.size,
        targets=defaults.targets,
        min_snr_gamma=defaults.min_snr_gamma,
        noise_levels=defaults.noise_levels,
        evaluate_every=3,
        checkpoint_every=2,
        probe_timesteps=2,
        probe_draws=1,
    )


@pytest.fixture(scope="class")
def pictures(lesson: TeachSettings, tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    folder = write_pictures(tmp_path_factory.mktemp("pictures"), 5)
    return read_training_set(folder, trigger=TRIGGER, resolution=lesson.resolution)


@pytest.fixture(scope="class")
def taught(
    base: Base, lesson: TeachSettings, pictures: TrainingSet, tmp_path_factory: pytest.TempPathFactory
) -> Taught:
    """An uninterrupted run."""
    done = teach(base, pictures, lesson, tmp_path_factory.mktemp("run"))
    assert isinstance(done, Taught)
    return done


@pytest.fixture(scope="class")
def source(specimen: Specimen, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A picture to draw over."""
    return source_in(tmp_path_factory.mktemp("source"), specimen.size)


@pytest.fixture(scope="class")
def random_style(
    base: Base, lesson: TeachSettings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The tensor hash and the file of a style that can be seen."""
    return random_style_on(base, tmp_path_factory.mktemp("style"), lesson.targets)
