"""A recipe of ours from what another program wrote: what maps is taken over, what does not is said.

What the file does not say, or says in a way that has no place in a recipe, is filled in with what the base
renders by itself. Nothing is filled in silently: every such value is a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from duktus.actions.foreign.completing import known_adapter, known_base
from duktus.actions.recipes.clip_skip import clip_skip
from duktus.actions.recipes.weights import weighting
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.domain.base import Base
from duktus.domain.beginning import MAX_SEED, Variation
from duktus.domain.changes import plain
from duktus.domain.errors import InputError
from duktus.domain.foreign import ForeignPicture, ForeignRecipe
from duktus.domain.recipe import AdapterRef, Recipe

MOST_UNMAPPED = 8
"""Things without a place that are named one by one; ``duktus show`` names them all."""
_LEAST_SIDE, _MOST_SIDE = 64, 8192


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The recipe, the base that renders it, and in words what did not map."""

    recipe: Recipe
    base: Base
    notes: tuple[str, ...]


def take_over(workspace: Workspace, picture: ForeignPicture, base: str | None = None) -> TakenOver:
    """What this workspace can render of an imported picture's settings; ``base`` names another base for it.

    :class:`InputError` when nothing in the picture says how it was made.
    """
    said = picture.foreign
    if said is None:
        raise InputError(
            f"Nothing in {picture.id} says how it was made.",
            "There are no settings to go on from, only its pixels.",
            f'Draw over it instead: duktus render "PROMPT" --image {picture.id}.',
        )
    notes: list[str] = []
    found, stands_in = _base(workspace, said, base, notes)
    prompt, negative = said.prompt or "", said.negative_prompt or ""
    if said.prompt is None:
        notes.append("prompt: the file does not say; it is empty.")
    defaults = _defaults(found)
    values: dict[str, Any] = {
        "base": found.ref,
        "adapters": _adapters(workspace, said, found, notes),
        "prompt": prompt,
        "negative_prompt": negative,
        "weighting": weighting(found, prompt, negative),
        "variation": _variation(said, notes),
        "clip_skip": _clip_skip(said, found, notes),
    }
    if said.guidance is not None and "guidance" not in defaults:
        notes.append(f"guidance {plain(said.guidance)}: {found.name} takes none.")
    for name, default in defaults.items():
        value = getattr(said, name)
        if value is None:
            notes.append(f"{name}: the file does not say; {plain(default)} is taken.")
        values[name] = default if value is None else value
    values |= _size(picture, found, notes, stands_in=stands_in)
    recipe = _fitting(values, defaults, notes)
    return TakenOver(recipe, found, (*notes, *_without_place(picture.id, said)))


def _base(
    workspace: Workspace, said: ForeignRecipe, wanted: str | None, notes: list[str]
) -> tuple[Base, bool]:
    """The base, and whether it only stands in for the one that made the picture."""
    missing: list[str] = []
    known = known_base(workspace, said.model, missing, notes)
    if known is not None and wanted in {None, known.name}:
        return known, False
    chosen = workspace.base(wanted)
    notes.append(f"{missing[0] if missing else 'base: another was asked for'}; {chosen.name} renders it.")
    return chosen, True


def _defaults(base: Base) -> dict[str, Any]:
    render = base.render
    return {
        "seed": 1,
        "steps": render.steps,
        "cfg": render.cfg,
        "sampler": render.sampler,
        "schedule": render.schedule,
        **({} if render.guidance is None else {"guidance": render.guidance}),
    }


def _variation(said: ForeignRecipe, notes: list[str]) -> Variation | None:
    if said.variation_seed is None or not said.variation_strength:
        return None
    if said.variation_seed > MAX_SEED:
        notes.append(f"variation seed {said.variation_seed}: seeds go to {MAX_SEED} here; it is left out.")
        return None
    return Variation(seed=said.variation_seed, strength=said.variation_strength)


def _clip_skip(said: ForeignRecipe, base: Base, notes: list[str]) -> int | None:
    if said.clip_skip in {None, 1}:  # 1 is what every program writes that has nothing to say
        return None
    try:
        return clip_skip(base, said.clip_skip)
    except InputError as error:
        notes.append(f"clip skip {said.clip_skip}: {error.what} It is left out.")
        return None


def _adapters(
    workspace: Workspace, said: ForeignRecipe, base: Base, notes: list[str]
) -> tuple[AdapterRef, ...]:
    with workspace.archive.read() as connection:
        known = [style for style in styles.everyone(connection) if style.family == base.family]
    missing: list[str] = []
    found = [known_adapter(one, known, missing, notes) for one in said.adapters]
    notes += [f"{one}; it is left out." for one in missing]
    return tuple(one for one in found if one is not None)


def _size(picture: ForeignPicture, base: Base, notes: list[str], *, stands_in: bool) -> dict[str, int]:
    """The size as said, or the picture's own; for a base that stands in, in its own measure."""
    said = picture.foreign
    width, height = (said.width, said.height) if said and said.width and said.height else (0, 0)
    if not width or not height:
        width, height = picture.width, picture.height
        notes.append(f"size: the file does not say; it has {width} x {height} pixels.")
    scale = 1.0
    if stands_in:
        scale = (base.render.width * base.render.height / (width * height)) ** 0.5
    sides = [min(_MOST_SIDE, max(_LEAST_SIDE, round(side * scale / 8) * 8)) for side in (width, height)]
    if sides != [width, height]:
        why = (
            f"{base.name} was made for pictures about so large"
            if stands_in
            else "a side is 64 to 8192, in eights"
        )
        notes.append(f"size: {width} x {height} becomes {sides[0]} x {sides[1]}, because {why}.")
    return {"width": sides[0], "height": sides[1]}


def _fitting(values: dict[str, Any], defaults: dict[str, Any], notes: list[str]) -> Recipe:
    """The recipe, with the base's own value wherever what the file says cannot be used."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        wrong = {str(one["loc"][0]): one for one in error.errors()}
        if not set(wrong) <= set(defaults):
            first = error.errors()[0]
            raise InputError(
                f"{first['loc'][0]} of the picture cannot be used.",
                f"{first['msg']}.",
                "Say another with its option.",
            ) from error
    for name, one in wrong.items():
        notes.append(f"{name}: {one['input']} cannot be used here; {plain(defaults[name])} is taken.")
    return Recipe.model_validate({**values, **{name: defaults[name] for name in wrong}})


def _without_place(picture_id: str, said: ForeignRecipe) -> Sequence[str]:
    """What the file says and no recipe of ours can hold."""
    notes: list[str] = []
    if said.denoise is not None and said.denoise < 1:
        notes.append(f"denoise {plain(said.denoise)}: the picture it was drawn over is not in the file.")
    if said.noise == "gpu":
        notes.append("The noise came from a GPU generator; ours gives another picture for the same seed.")
    notes += [f"{one.name} = {one.value[:60]}: {one.why}" for one in said.unmapped[:MOST_UNMAPPED]]
    if len(said.unmapped) > MOST_UNMAPPED:
        more = len(said.unmapped) - MOST_UNMAPPED
        notes.append(f"{more} further things have no place in a recipe: duktus show {picture_id}.")
    return notes
