"""How strongly the text-encoder parts of styles are applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from duktus.domain.errors import InputError
from duktus.domain.recipe import AdapterRef, Recipe
from duktus.domain.style import Style


def with_text_strengths(
    recipe: Recipe, styles: Sequence[Style], asked: Sequence[tuple[str, float]]
) -> Recipe:
    """The recipe with a text strength for each style that has a text-encoder part: the one asked for, else
    the style's own strength. A recipe without such a style comes back as it is, with its id.

    Raises:
        InputError: a text strength for a style without such a part.
    """
    wanted = dict(asked)
    texted = {style.name for style in styles if style.text_modules}
    for name in wanted:
        if name not in texted:
            raise no_text_part(name)
    if not texted:
        return recipe
    adapters = [
        adapter
        if adapter.name not in texted
        else AdapterRef(
            name=adapter.name,
            style=adapter.style,
            strength=adapter.strength,
            strength_text=wanted.get(adapter.name, adapter.strength),
        )
        for adapter in recipe.adapters
    ]
    values: dict[str, Any] = {**dict(recipe), "adapters": tuple(adapters)}
    return Recipe(**values)


def no_text_part(name: str) -> InputError:
    """The error for a text strength of a style without such a part."""
    return InputError(
        f"The style '{name}' has no text-encoder part.",
        "So it has no strength there.",
        f"Write --style {name}:STRENGTH.",
    )
