"""Bases that finish what another one began: as named by a person, and as recipes name them."""

from __future__ import annotations

from collections.abc import Sequence

from duktus.actions.beginnings.finding_networks import with_hash
from duktus.actions.workspace import Workspace
from duktus.domain.base import Base
from duktus.domain.beginning import Refine
from duktus.domain.errors import NotFoundError
from duktus.domain.recipe import Recipe
from duktus.families.registry import check_refiner

LAST_FIFTH = 0.8
"""Where SDXL's refiner takes over when nothing is said: it was trained on the last fifth of the noise levels
(arXiv 2307.01952, section 2.5; diffusers' guide to SDXL)."""


def refine(workspace: Workspace, base: Base, name: str, at: float | None) -> Refine:
    """That base of the workspace as the refiner of pictures on ``base``.

    :class:`NotFoundError` when there is none of that name, :class:`MismatchError` when it does not fit.
    """
    found = workspace.base(name)
    check_refiner(base, found)
    return Refine(name=found.name, weights=found.weights, at=LAST_FIFTH if at is None else at)


def refiners_of(workspace: Workspace, recipes: Sequence[Recipe]) -> dict[str, Base]:
    """The refiners that recipes name, by their hash; :class:`NotFoundError` for one that is not here."""
    wanted = {one.refine.weights: one.refine.name for one in recipes if one.refine is not None}
    found: dict[str, Base] = {}
    for weights, name in wanted.items():
        base = with_hash(
            workspace.known_bases(),
            name,
            workspace.base,
            lambda one, weights=weights: one.weights == weights,
        )
        if base is None:
            raise NotFoundError(
                f"The refiner {name} is not here.",
                f"No base has the hash {weights[:12]}...",
                f"Add it: duktus base add FOLDER --name {name}.",
            )
        found[weights] = base
    return found
