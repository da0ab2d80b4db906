from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.recipes import write_random_style
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base

from duktus.domain.base import Base
from duktus.families.registry import family_of


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("tiny"), duktus=MINIATURE_DEFAULTS)


@pytest.fixture(scope="session")
def tiny(tiny_folder) -> Base:
    return family_of(tiny_folder).describe(tiny_folder, "miniature")


@pytest.fixture(scope="session")
def style(tiny, tmp_path_factory) -> tuple[str, Path]:
    """The tensor hash and the file of a random style on the tiny base."""
    path = tmp_path_factory.mktemp("style") / "style.safetensors"
    return write_random_style(tiny, path), path


@pytest.fixture(scope="session")
def renderer(tiny, style):
    from duktus.rendering.renderer import Renderer

    return Renderer(tiny, {style[0]: style[1]})
