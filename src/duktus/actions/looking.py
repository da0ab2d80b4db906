"""Finding the picture that a person names: by its id, or by its file; ours or of another program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duktus.actions.workspace import Workspace
from duktus.archive import assets, foreign, pictures
from duktus.archive.store import file_sha256
from duktus.domain.asset import Asset
from duktus.domain.errors import InputError, PictureError
from duktus.domain.foreign import ForeignRecipe, Picture
from duktus.domain.recipe import Recipe
from duktus.rendering.compare import Pixels
from duktus.rendering.files import read_recipe
from duktus.rendering.metadata.decode import decode
from duktus.rendering.metadata.explain import contents_of, explain, read_file


@dataclass(frozen=True, slots=True)
class Looked:
    """A picture with what is said of its making by whatever program; ``picture`` as the archive knows it."""

    path: Path
    said: Recipe | ForeignRecipe | None
    picture: Picture | None


def looked_at(workspace: Workspace, name: str) -> Looked:
    """The picture behind the id of an asset or of an imported picture, or a path to any picture file."""
    path = Path(name)
    with workspace.archive.read() as connection:
        if not path.is_file():
            known = pictures.named(connection, name)
            said = known.recipe if isinstance(known, Asset) else known.said
            return Looked(workspace.store.checked(known.file_hash), said, known)
        file_hash = file_sha256(path)
        asset = assets.by_file_hash(connection, file_hash)
        imported = foreign.by_file_hash(connection, file_hash)
    if asset is not None:
        return Looked(path, asset.recipe, asset)
    if imported is not None:
        return Looked(path, imported.said, imported)
    return Looked(path, read_recipe(path) or _foreign(path), None)


def _foreign(path: Path) -> ForeignRecipe | None:
    try:
        return explain(read_file(path), path.name).foreign
    except PictureError:
        return None


def pixels_in(path: Path) -> tuple[Pixels, str]:
    """The pixels of a picture file of any format that duktus reads, and the name of that format."""
    data = read_file(path)
    contents = contents_of(data, path.name)
    return decode(data, contents, path.name), contents.container


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
    found = looked_at(workspace, name)
    if isinstance(found.said, ForeignRecipe):
        raise InputError(
            f"{name} was made by {found.said.tool.value}.",
            "What it says of its settings is not a whole recipe of ours.",
            f"duktus show {name} says what is known; duktus render --from makes a picture of ours from it.",
        )
    if found.said is None:
        raise InputError(
            f"{name} carries no recipe.",
            "It was not made by duktus, or a program that saved it since has dropped the recipe.",
            "Name the asset's id instead (duktus series show NAME lists them).",
        )
    return Named(found.path, found.said, found.picture if isinstance(found.picture, Asset) else None)
