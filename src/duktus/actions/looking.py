"""Finding the picture that a person names: by its id, or by its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.actions.workspace import Workspace
from duktus.archive import assets
from duktus.archive.store import file_sha256
from duktus.domain.asset import Asset
from duktus.domain.errors import InputError
from duktus.domain.recipe import Recipe
from duktus.rendering.files import read_recipe


@dataclass(frozen=True, slots=True)
class Named:
    """A picture as named: its file, its recipe, and its asset when the archive knows it."""

    path: Path
    recipe: Recipe
    asset: Asset | None


def named_picture(workspace: Workspace, name: str) -> Named:
    """The picture behind an asset id, the beginning of one, or a path to a file.

    A file that the archive does not know, for instance one from another workspace, is taken at its word:
    the recipe inside it.
    """
    path = Path(name)
    if not path.is_file():
        with workspace.archive.read() as connection:
            asset = assets.get(connection, name)
        return Named(workspace.store.checked(asset.file_hash), asset.recipe, asset)
    with workspace.archive.read() as connection:
        known = assets.by_file_hash(connection, file_sha256(path))
    recipe = known.recipe if known else read_recipe(path)
    if recipe is None:
        raise InputError(
            f"{path} carries no recipe.",
            "It was not made by duktus, or a program that saved it since has dropped the recipe.",
            "Name the asset's id instead (duktus series show NAME lists them).",
        )
    return Named(path, recipe, known)
