"""Finding the reference networks that settings name, by name or by the hash in a recipe."""

from __future__ import annotations

from collections.abc import Sequence

from duktus.actions.finding_networks import BROKEN, first_that_fits, with_hash
from duktus.actions.workspace import Workspace
from duktus.domain.base import Base
from duktus.domain.beginning_words import ReferenceAsked
from duktus.domain.errors import NotFoundError
from duktus.domain.recipe import Recipe
from duktus.families.reference import ReferenceNetwork
from duktus.families.registry import referring

HOW = 'file = "...", encoder = "..." (an IP-Adapter and the folder of its image encoder).'


def reference_for(workspace: Workspace, base: Base, asked: ReferenceAsked) -> tuple[str, ReferenceNetwork]:
    """Name and network of a reference: the one named, else the first that fits the base.

    Raises:
        NotFoundError: there is none, with how to add one.
        MismatchError: the base takes no references, or the network is not for it.
        InputError: what the settings name is no IP-Adapter with its encoder.
    """
    family = referring(base.family)
    names = [name for name in workspace.references if asked.name in (None, name)]
    found = first_that_fits(
        names,
        lambda name: family.describe_reference(
            workspace.references[name].file, workspace.references[name].encoder
        ),
        lambda network: family.check_reference(base, network),
    )
    if found is not None:
        return found
    named = f" named '{asked.name}'" if asked.name else ""
    raise NotFoundError(
        f"No reference network{named} is known.",
        f"Known: {', '.join(workspace.references)}." if workspace.references else "duktus.toml names none.",
        f"Add one to {workspace.settings_file.name}: [references.my-adapter] {HOW}",
    )


def references_of(workspace: Workspace, base: Base, recipes: Sequence[Recipe]) -> dict[str, ReferenceNetwork]:
    """The networks that recipes name, by their hash; :class:`NotFoundError` for one that is not here."""
    wanted = {one.network: one.name for recipe in recipes for one in recipe.references}
    found: dict[str, ReferenceNetwork] = {}
    for network, name in wanted.items():
        known = with_hash(
            workspace.references,
            name,
            lambda one: referring(base.family).describe_reference(
                workspace.references[one].file, workspace.references[one].encoder
            ),
            lambda one, network=network: one.hash == network,
            passing_over=BROKEN,
        )
        if known is None:
            raise NotFoundError(
                f"The reference network {name} is not here.",
                f"No network in {workspace.settings_file.name} has the hash {network[:12]}...",
                f"Add it: [references.{name}] {HOW}",
            )
        found[network] = known
    return found
