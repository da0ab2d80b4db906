"""`duktus diff`: which parameters differ between two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from duktus.actions.looking import named_picture
from duktus.actions.workspace import Workspace
from duktus.domain.errors import MismatchError
from duktus.domain.recipe import Recipe
from duktus.rendering.compare import Difference, compare
from duktus.rendering.files import read_pixels


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter with its two values; None where one picture lacks it."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two pictures; ``pixels`` is None when they have different sizes."""

    parameters: tuple[Parameter, ...]
    pixels: Difference | None


def diff(workspace: Workspace, a: str, b: str) -> Diff:
    """The parameters in which two pictures differ, and how far apart their pixels are."""
    first, second = named_picture(workspace, a), named_picture(workspace, b)
    one, other = _flat(first.recipe), _flat(second.recipe)
    changed = tuple(
        Parameter(name, one.get(name), other.get(name))
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    )
    try:
        pixels = compare(read_pixels(first.path), read_pixels(second.path))
    except MismatchError:
        pixels = None
    return Diff(changed, pixels)


def _flat(recipe: Recipe) -> dict[str, Any]:
    values = recipe.as_json()
    flat: dict[str, Any] = {"base": values["base"]["name"], "base weights": values["base"]["weights"]}
    for adapter in values.pop("adapters", []):
        flat[f"style {adapter['name']}"] = adapter["style"]
        flat[f"strength of {adapter['name']}"] = adapter["strength"]
    for name, value in values.items():
        if name in {"base", "schema"}:
            continue
        if isinstance(value, dict):
            flat.update({f"{name} {key}": inner for key, inner in value.items()})
        else:
            flat[name] = value
    return flat
