"""Finding the reference networks that settings name, by name or by the hash in a recipe."""

from __future__ import annotations

from collections.abc import Sequence

from duktus.actions.beginnings.finding_networks import first_that_fits, with_hash
from duktus.actions.workspace import Workspace
from duktus.domain.base import Base
from duktus.domain.beginning_words import ReferenceAsked
from duktus.domain.errors import MismatchError, NotFoundError
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
            workspace.references[name].file, workspace.references[name].encoder, workspace.hashes
        ),
        lambda network: family.check_reference(base, network),
    )
    how = f"Add one to {workspace.settings_file.name}: [references.my-adapter] {HOW}"
    match found:
        case None:
            named = f" named '{asked.name}'" if asked.name else ""
            known = ", ".join(workspace.references)
            raise NotFoundError(
                f"No reference network{named} is known.",
                f"Known: {known}." if known else f"{workspace.settings_file.name} names none.",
                how,
            )
        case (_, MismatchError() as error) if asked.name is not None:
            raise error
        case (name, MismatchError() as error):
            raise MismatchError(
                f"No reference network that is known fits {base.name}.", f"{name}: {error.why}", how
            )
        case (name, network):
            return name, network


def references_of(workspace: Workspace, base: Base, recipes: Sequence[Recipe]) -> dict[str, ReferenceNetwork]:
    """The networks that recipes name, by their hash; :class:`NotFoundError` for one that is not here."""
    wanted = {one.network: one.name for recipe in recipes for one in recipe.references}
    found: dict[str, ReferenceNetwork] = {}
    for network, name in wanted.items():
        known = with_hash(
            workspace.references,
            name,
            lambda one: referring(base.family).describe_reference(
                workspace.references[one].file, workspace.references[one].encoder, workspace.hashes
            ),
            lambda one, network=network: one.hash == network,
        )
        if known is None:
            raise NotFoundError(
                f"The reference network {name} is not here.",
                f"No network in {workspace.settings_file.name} has the hash {network[:12]}...",
                f"Add it: [references.{name}] {HOW}",
            )
        found[network] = known
    return found
