"""No family without its conformance."""

from __future__ import annotations

import importlib

import pytest
from tests.families.conformance import Conformance

from duktus.families.registry import FAMILIES


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_held_to_the_contract(name: str) -> None:
    module = importlib.import_module(f"tests.families.test_{name}")
    suites = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Conformance)]
    assert any(getattr(suite, "family", None) == name and suite.specimens for suite in suites)
