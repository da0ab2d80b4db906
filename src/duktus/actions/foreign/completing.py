"""From a foreign recipe to one of ours, where this workspace knows what it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from duktus.actions.recipes.clip_skip import clip_skip
from duktus.actions.recipes.weights import weighting
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.foreign import ForeignAdapter, ForeignModel, ForeignRecipe
from duktus.domain.recipe import AdapterRef, Recipe
from duktus.domain.style import Style
from duktus.rendering.parameters_text import slug

_PLAIN = ("prompt", "seed", "steps", "cfg", "sampler", "schedule", "width", "height")
_SHORTEST = 8
"""Hex digits with which a hash is taken for one; the shortest in the field has eight."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A recipe this workspace could render, or what is missing for one."""

    recipe: Recipe | None
    missing: tuple[str, ...]
    cautions: tuple[str, ...]
    """Why the picture may come out otherwise all the same."""


def complete(workspace: Workspace, foreign: ForeignRecipe) -> Completed:
    """Fill a foreign recipe with the base and styles of this workspace: by hash, then by name."""
    missing = [f"{name}: the file does not say" for name in _PLAIN if getattr(foreign, name) is None]
    cautions: list[str] = []
    base = known_base(workspace, foreign.model, missing, cautions)
    with workspace.archive.read() as connection:
        known = styles.everyone(connection)
    adapters = [known_adapter(one, known, missing, cautions) for one in foreign.adapters]
    if foreign.noise == "gpu":
        cautions.append("The noise came from a GPU generator; ours gives another picture for the same seed.")
    if foreign.unmapped:
        cautions.append(f"{len(foreign.unmapped)} things the file says have no place in a recipe.")
    if missing or base is None:
        return Completed(None, tuple(missing), tuple(cautions))
    values: dict[str, Any] = {name: getattr(foreign, name) for name in _PLAIN}
    if foreign.variation_seed is not None and foreign.variation_strength:
        values["variation"] = {"seed": foreign.variation_seed, "strength": foreign.variation_strength}
    if base.render.guidance is not None:
        values["guidance"] = base.render.guidance if foreign.guidance is None else foreign.guidance
    try:
        values["clip_skip"] = clip_skip(base, foreign.clip_skip) if foreign.clip_skip != 1 else None
    except InputError as error:
        return Completed(None, (f"clip skip: {error.what}",), tuple(cautions))
    try:
        values["weighting"] = weighting(base, foreign.prompt or "", foreign.negative_prompt or "")
        recipe = Recipe.model_validate(
            {
                **values,
                "base": base.ref,
                "negative_prompt": foreign.negative_prompt or "",
                "adapters": tuple(one for one in adapters if one is not None),
            }
        )
    except ValidationError as error:
        wrong = [f"{one['loc'][0]}: {one['input']} does not fit. {one['msg']}" for one in error.errors()]
        return Completed(None, tuple(wrong), tuple(cautions))
    except InputError as error:
        return Completed(None, (f"prompt: {error.what}",), tuple(cautions))
    return Completed(recipe, (), tuple(cautions))


def known_base(
    workspace: Workspace, model: ForeignModel | None, missing: list[str], cautions: list[str]
) -> Base | None:
    """The base here that a file names, by hash and name, or None; what is missing or doubtful is added."""
    if model is None:
        missing.append("base: the file does not say")
        return None
    name = next((one for one in workspace.known_bases() if slug(one) == slug(model.name)), None)
    if name is None:
        missing.append(f"base: '{model.name}' {_in_brackets(model.hash)}is not known here")
        return None
    base = workspace.base(name)
    claimed = _digits(model.hash)
    if claimed and not base.weights.startswith(claimed):
        missing.append(f"base: '{model.name}' has other weights here than {claimed[:12]}")
        return None
    if not claimed:
        cautions.append(f"The base was taken by its name '{name}'; the file holds no hash of it.")
    return base


def known_adapter(
    wanted: ForeignAdapter, known: list[Style], missing: list[str], cautions: list[str]
) -> AdapterRef | None:
    """The style here that a file names, likewise."""
    claimed = _digits(wanted.hash)
    named = [style for style in known if slug(style.name) == slug(wanted.name)]
    hashed = [
        style
        for style in known
        if claimed and (style.hash.startswith(claimed) or style.file_hash.startswith(claimed))
    ]
    found = hashed or ([] if claimed else named)
    if not found:
        missing.append(f"style: '{wanted.name}' {_in_brackets(wanted.hash)}is not known here")
        return None
    if not claimed:
        cautions.append(f"The style '{wanted.name}' was taken by its name; the file holds no hash of it.")
    style = found[-1]
    try:
        if wanted.strength_text and not style.text_modules:
            cautions.append(
                f"The style '{wanted.name}' has no text-encoder part here; its strength there is left out."
            )
        return style.at(wanted.strength, wanted.strength_text)
    except ValidationError:
        missing.append(f"style: the strength {wanted.strength:g} of '{wanted.name}' is beyond -4 to 4")
        return None


def _digits(claimed: str) -> str:
    """The hex digits of a hash as written (``duktus:ab12...``, ``0xAB12...``), or nothing."""
    last = claimed.rpartition(":")[2].removeprefix("0x").lower()
    return last if len(last) >= _SHORTEST and all(digit in "0123456789abcdef" for digit in last) else ""


def _in_brackets(claimed: str) -> str:
    return f"({claimed[:24]}) " if claimed else ""
