from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base

from duktus.domain.base import Base
from duktus.families.registry import family_of


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("tiny"), duktus=MINIATURE_DEFAULTS)


@pytest.fixture
def copied(tiny_folder, tmp_path) -> Path:
    """A copy of the tiny base that a test may damage."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "base"))


@pytest.fixture(scope="session")
def tiny(tiny_folder) -> Base:
    return family_of(tiny_folder).describe(tiny_folder, "miniature")


@pytest.fixture(scope="module")
def loaded(tiny):
    return family_of(tiny.folder).load(tiny)
