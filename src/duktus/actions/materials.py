"""Everything that recipes name beside styles, fetched and checked before a render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from duktus import rendering
from duktus.actions.beginnings.control_networks import networks_of
from duktus.actions.beginnings.reference_networks import references_of
from duktus.actions.beginnings.refiners import refiners_of
from duktus.actions.beginnings.upscalers import upscalers_of
from duktus.actions.workspace import Workspace
from duktus.domain.base import Base
from duktus.domain.recipe import Recipe

if TYPE_CHECKING:
    from duktus.rendering import Materials


def materials_for(workspace: Workspace, base: Base, recipes: Sequence[Recipe]) -> Materials:
    """Pictures, networks and refiners of those recipes.

    Raises:
        StorageError: a picture is missing from the store or damaged.
        NotFoundError: a network that the settings do not name, a refiner that is not among the bases.
    """
    hashes = dict.fromkeys(name for recipe in recipes for name in recipe.pictures)
    return rendering.Materials(
        pictures={name: workspace.store.checked(name) for name in hashes},
        controls=networks_of(workspace, base, recipes),
        upscalers=upscalers_of(workspace, recipes),
        references=references_of(workspace, base, recipes),
        refiners=refiners_of(workspace, recipes),
    )
