"""Finding the control networks that settings name, by kind, by name, or by the hash in a recipe."""

from __future__ import annotations

from collections.abc import Sequence

from duktus.actions.beginnings.finding_networks import first_that_fits, with_hash
from duktus.actions.workspace import Workspace
from duktus.domain.base import Base
from duktus.domain.beginning import ControlKind
from duktus.domain.beginning_words import ControlAsked
from duktus.domain.errors import MismatchError, NotFoundError
from duktus.domain.recipe import Recipe
from duktus.families.control import ControlNetwork
from duktus.families.registry import steerable


def network_for(workspace: Workspace, base: Base, asked: ControlAsked) -> tuple[str, ControlNetwork]:
    """Name and network of a control: the one named, else the first of its kind that fits the base.

    Raises:
        NotFoundError: there is none, with how to add one.
        MismatchError: the base takes no controls, or the network is not for it.
        InputError: what the settings name is no control network.
    """
    family = steerable(base.family)
    of_kind = [name for name, one in workspace.controls.items() if one.kind is asked.kind]
    if asked.name is not None:
        of_kind = [name for name in of_kind if name == asked.name]
    found = first_that_fits(
        of_kind,
        lambda name: family.describe_control(workspace.controls[name].folder, workspace.hashes),
        lambda network: family.check_control(base, network),
    )
    kind = asked.kind.value
    how = (
        f'Add one to {workspace.settings_file.name}: [controls.my-{kind}] folder = "...", kind = "{kind}" '
        "(a ControlNet or T2I-Adapter in the diffusers layout)."
    )
    match found:
        case None:
            known = ", ".join(f"{name} ({one.kind.value})" for name, one in workspace.controls.items())
            named = f"named '{asked.name}' " if asked.name else ""
            raise NotFoundError(
                f"No control network {named}for {kind} is known.",
                f"Known: {known}." if known else f"{workspace.settings_file.name} names none.",
                how,
            )
        case (_, MismatchError() as error) if asked.name is not None:
            raise error
        case (name, MismatchError() as error):
            raise MismatchError(
                f"No control network for {kind} that is known fits {base.name}.", f"{name}: {error.why}", how
            )
        case (name, network):
            return name, network


def networks_of(workspace: Workspace, base: Base, recipes: Sequence[Recipe]) -> dict[str, ControlNetwork]:
    """The networks that recipes name, by their hash; :class:`NotFoundError` for one that is not here."""
    wanted: dict[str, tuple[str, ControlKind]] = {
        control.network: (control.name, control.kind) for recipe in recipes for control in recipe.controls
    }
    found: dict[str, ControlNetwork] = {}
    for network, (name, kind) in wanted.items():
        known = with_hash(
            workspace.controls,
            name,
            lambda one: steerable(base.family).describe_control(
                workspace.controls[one].folder, workspace.hashes
            ),
            lambda one, network=network: one.hash == network,
        )
        if known is None:
            raise NotFoundError(
                f"The control network {name} ({kind.value}) is not here.",
                f"No network in {workspace.settings_file.name} has the hash {network[:12]}...",
                f'Add it: [controls.{name}] folder = "...", kind = "{kind.value}".',
            )
        found[network] = known
    return found
