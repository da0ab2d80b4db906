"""`duktus sweep --from`: a series around a picture that is there: its recipe with axes laid over it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from duktus.actions.beginnings.beginning_asked import Beginning
from duktus.actions.beginnings.kept_beginning import beginning_of
from duktus.actions.foreign.taking_over import take_over
from duktus.actions.looking import looked_at
from duktus.actions.recipes.request import Request
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.domain.asset import Asset
from duktus.domain.errors import InputError, MismatchError
from duktus.domain.foreign import ForeignPicture
from duktus.domain.recipe import Recipe
from duktus.domain.templates import literal


def around(workspace: Workspace, name: str, further: Request) -> tuple[Request, tuple[str, ...]]:
    """The request that asks for a picture again, with what ``further`` says in its place; and notes.

    ``further`` holds only what is to be different; without seeds the picture's own stays.
    """
    recipe, notes = _recipe(workspace, name)
    known = _asking_for(workspace, recipe)
    plain = Request((), seeds=())
    changes: dict[str, Any] = {
        one.name: value
        for one in fields(Request)
        if one.name != "beginning" and (value := getattr(further, one.name)) != getattr(plain, one.name)
    }
    asked = further.beginning
    own = Beginning()
    begins = {
        one.name: value
        for one in fields(Beginning)
        if (value := getattr(asked, one.name)) != getattr(own, one.name)
    }
    if "image" in begins:
        known = replace(
            known, beginning=replace(known.beginning, mask=(), mask_feather=0, extend=None, denoise=None)
        )
    if "controls" in begins:
        begins.setdefault("controls_ready", False)
    if recipe.upscale is not None:
        notes = (*notes, "The picture was enlarged afterwards; its series is not.")
    return replace(known, **changes, beginning=replace(known.beginning, **begins)), notes


def _recipe(workspace: Workspace, name: str) -> tuple[Recipe, tuple[str, ...]]:
    found = looked_at(workspace, name)
    if isinstance(found.said, Recipe):
        return found.said, ()
    if isinstance(found.picture, ForeignPicture):
        taken = take_over(workspace, found.picture)
        return taken.recipe, taken.notes
    raise InputError(
        f"{name} is not a picture of this workspace.",
        "" if isinstance(found.picture, Asset) else "Its settings are those of another program.",
        f"duktus import {name} takes it in.",
    )


def _asking_for(workspace: Workspace, recipe: Recipe) -> Request:
    across, down = (0, 0)
    if recipe.source is not None and recipe.source.extend is not None:
        across, down = recipe.source.extend.added
    with workspace.archive.read() as connection:
        for one in recipe.adapters:
            if styles.get(connection, one.name).hash != one.style:
                raise MismatchError(
                    f"The style '{one.name}' was taught on since the picture was made.",
                    "A series names styles; this name means a newer one now.",
                    "Write the whole sweep, or go on from the picture with duktus render --from.",
                )
    texts = ((one.name, one.strength_text) for one in recipe.adapters)
    return Request(
        prompts=(literal(recipe.prompt),),
        styles=tuple((one.name, one.strength) for one in recipe.adapters),
        text_strengths=tuple((name, text) for name, text in texts if text is not None),
        cfgs=(recipe.cfg,),
        guidances=() if recipe.guidance is None else (recipe.guidance,),
        samplers=(recipe.sampler,),
        schedules=(recipe.schedule,),
        steps=(recipe.steps,),
        sizes=((recipe.width - across, recipe.height - down),),
        clip_skips=() if recipe.clip_skip is None else (recipe.clip_skip,),
        negatives=(literal(recipe.negative_prompt),),
        seeds=(recipe.seed,),
        beginning=beginning_of(recipe),
        bases=(recipe.base.name,),
    )
