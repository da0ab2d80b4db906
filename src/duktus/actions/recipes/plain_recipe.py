"""The recipe of a picture of which nothing but the prompt and the seed is said."""

from __future__ import annotations

from collections.abc import Sequence

from duktus.domain.base import Base
from duktus.domain.recipe import AdapterRef, Recipe


def plain_recipe(base: Base, prompt: str, seed: int, adapters: Sequence[AdapterRef] = ()) -> Recipe:
    """By the base's own defaults, with those styles."""
    given = base.render
    return Recipe(
        base=base.ref,
        adapters=tuple(adapters),
        prompt=prompt,
        negative_prompt=given.negative_prompt,
        seed=seed,
        steps=given.steps,
        cfg=given.cfg,
        guidance=given.guidance,
        sampler=given.sampler,
        schedule=given.schedule,
        width=given.width,
        height=given.height,
    )
