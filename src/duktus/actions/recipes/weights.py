"""Whether a recipe reads brackets as weights."""

from __future__ import annotations

from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.weighting import Weighting, marked, weighed
from duktus.families.family import WeighsWords
from duktus.families.registry import family


def weighting(base: Base, *prompts: str) -> Weighting | None:
    """How the brackets in the prompts are read; None when there are none that mean anything.

    A family that cannot weight takes brackets as text, as people write them; ``(word:1.3)`` cannot be meant
    so and is an :class:`InputError`.
    """
    able = family(base.family)
    if isinstance(able, WeighsWords):
        return able.weighting if any(marked(prompt) for prompt in prompts) else None
    wanted = next((found for prompt in prompts if (found := weighed(prompt))), "")
    if wanted:
        raise InputError(
            f"{base.name} cannot weight words: '{wanted}'.",
            f"Its family, {base.family}, reads a prompt as a whole; weights belong to the CLIP families.",
            "Say it in words instead, or put a backslash before the bracket if it is meant as text.",
        )
    return None
