"""Finding upscalers: by the name in the settings, by a path, or by the hash in a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from duktus.actions.beginnings.finding_networks import with_hash
from duktus.actions.workspace import Workspace
from duktus.domain.errors import NotFoundError
from duktus.domain.recipe import Recipe
from duktus.families.upscaler import UpscalerNetwork, describe_upscaler


def upscaler_for(workspace: Workspace, asked: str | None) -> tuple[str, UpscalerNetwork]:
    """Name and network: the one named, the one at that path, or the only one of the settings."""
    known = workspace.upscalers
    if asked is not None and asked not in known and Path(asked).exists():
        path = Path(asked)
        return path.stem, describe_upscaler(path, workspace.hashes)
    name = next(iter(known), None) if asked is None else asked
    if name is None or name not in known:
        raise NotFoundError(
            f"No upscaler is named '{asked}'." if asked else "No upscaler is known.",
            f"Known: {', '.join(known)}." if known else f"{workspace.settings_file.name} names none.",
            "Name a folder with --with, or add one to "
            f'{workspace.settings_file.name}: [upscalers.mine] path = "...".',
        )
    return name, describe_upscaler(known[name], workspace.hashes)


def upscalers_of(workspace: Workspace, recipes: Sequence[Recipe]) -> dict[str, UpscalerNetwork]:
    """The upscalers that recipes name, by their hash; :class:`NotFoundError` for one that is not here."""
    wanted = {recipe.upscale.network: recipe.upscale.name for recipe in recipes if recipe.upscale}
    found: dict[str, UpscalerNetwork] = {}
    for network, name in wanted.items():
        known = with_hash(
            workspace.upscalers,
            name,
            lambda one: describe_upscaler(workspace.upscalers[one], workspace.hashes),
            lambda one, network=network: one.hash == network,
        )
        if known is None:
            raise NotFoundError(
                f"The upscaler {name} is not here.",
                f"None in {workspace.settings_file.name} has the hash {network[:12]}...",
                f'Add it: [upscalers.{name}] path = "...".',
            )
        found[network] = known
    return found
