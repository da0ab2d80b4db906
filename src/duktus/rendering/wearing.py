"""What the text encoders of a base wear and know for a group: parts of styles, and learned words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from duktus.domain.errors import MismatchError
from duktus.families.family import LearnsWords, TeachesWords, WearsTextStyles
from duktus.families.registry import family
from duktus.rendering.groups import text_strengths, words

if TYPE_CHECKING:
    from duktus.domain.recipe import Recipe
    from duktus.families.family import LoadedBase


def dress(base: LoadedBase, recipes: Sequence[Recipe], file: Callable[[str], Path]) -> None:
    """Let the text encoders wear exactly the styles of these recipes, which differ in none of them, and have
    all their words at hand; ``file`` gives the checked file of a style.

    :class:`MismatchError` when the base can do neither.
    """
    _wear(base, recipes[0], file)
    speak(base, recipes, file)


def _wear(base: LoadedBase, recipe: Recipe, file: Callable[[str], Path]) -> None:
    strengths = text_strengths(recipe)
    if isinstance(base, WearsTextStyles):
        base.text_styles.wear(strengths, {style: file(style) for style in strengths})
    elif any(strengths.values()):
        raise MismatchError(
            f"The text encoders of {base.base.name} take no style.",
            f"duktus cannot change those of the family {base.base.family} yet.",
            "Render with strength 0 of the text part (--style NAME:STRENGTH:0).",
        )


def speak(base: LoadedBase, recipes: Sequence[Recipe], file: Callable[[str], Path]) -> None:
    """The words alone: all that a refiner takes of the styles, for it reads the prompts anew."""
    spoken = [one for recipe in recipes for one in words(recipe)]
    able = family(base.base.family)
    if isinstance(base, LearnsWords) and isinstance(able, TeachesWords):
        known = {one.style for one in spoken}
        base.learned_words.know(sorted(known), lambda style: able.read_word(file(style), base))
    elif spoken:
        raise MismatchError(
            f"The text encoders of {base.base.name} learn no words.",
            f"The recipe names '{spoken[0].word}', and the family {base.base.family} has no vectors for it.",
            "Render it with the base it was taught on.",
        )
