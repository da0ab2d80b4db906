from __future__ import annotations

import pytest
from tests.support.foreign_styles import NARROW

from duktus.families.style_files.truth import from_configs


@pytest.fixture(scope="session")
def narrow():
    """``{family: architecture}`` of true depth and small width."""
    return {family: from_configs(family, configs, name=family) for family, configs in NARROW.items()}
