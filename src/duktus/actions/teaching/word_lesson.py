"""Settings of a lesson that teaches a word: what differs from teaching an adapter, and what has no place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import Method
from duktus.families.family import TeachesWords
from duktus.families.registry import family
from duktus.training.word import cannot_learn

KEPT = "Where its word is missing nothing changes: the base draws everything else as before."
OF_ADAPTERS = {
    "rank": "A word has no rank; --vectors says how much it can hold.",
    "alpha": "A word has no alpha.",
    "targets": "No module of the denoiser changes.",
    "caption_dropout": "A step without a caption would teach the word nothing.",
    "prior": KEPT,
    "prior_weight": KEPT,
    "prior_count": KEPT,
    "self_prior": KEPT,
    "neutral": KEPT,
}
"""Settings that belong to adapters, and why."""
OF_WORDS = ("vectors", "init_word")


def method_of(changes: Mapping[str, Any]) -> Method:
    """What is to be taught; :class:`InputError` for an unknown way, or settings of another one."""
    try:
        method = Method(changes.get("method", Method.LORA))
    except ValueError as error:
        raise InputError(
            f"There is no way of teaching called {changes['method']!r}.",
            f"Known: {', '.join(one.value for one in Method)}.",
            "Leave --method out to teach a LoRA.",
        ) from error
    word = method is Method.TEXTUAL_INVERSION
    stray = next((name for name in changes if name in (OF_ADAPTERS if word else OF_WORDS)), None)
    if stray is not None:
        option = f"--{stray.replace('_', '-')}"
        why = OF_ADAPTERS[stray] if word else "A LoRA is no word that stands for vectors."
        raise InputError(
            f"{option} was given, but this run teaches {'a word' if word else 'a LoRA'}.",
            why,
            f"Leave {option} out." if word else "Say --method textual-inversion to teach a word.",
        )
    return method


def word_values(base: Base) -> dict[str, Any]:
    """The base's starting values for a word, over those for an adapter.

    Raises:
        InputError: the family has no vocabulary of vectors to extend.
    """
    able = family(base.family)
    if not isinstance(able, TeachesWords):
        raise cannot_learn(base)
    given = able.word_defaults(base)
    return {
        "steps": given.steps,
        "learning_rate": given.learning_rate,
        "vectors": given.vectors,
        "init_word": given.init_word,
        "caption_dropout": 0.0,
    }
