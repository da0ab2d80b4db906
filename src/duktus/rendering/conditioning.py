"""What the texts of a group become, on whichever base draws its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from duktus.domain.errors import MismatchError
from duktus.families.family import EncodesWeighted, LearnsWords, ReadsAtLayers

if TYPE_CHECKING:
    from duktus.domain.weighting import Weighting
    from duktus.families.family import Conditioning, LoadedBase
    from duktus.rendering.groups import Group


def conditioning(base: LoadedBase, group: Group) -> Conditioning:
    """What the group's texts become on that base, each encoded once."""
    with _reading_at(base, group.recipes[0].clip_skip):
        return _each_once(base, group)


def _reading_at(base: LoadedBase, layer: int | None) -> AbstractContextManager[None]:
    if layer is None:
        return nullcontext()
    if not isinstance(base, ReadsAtLayers):
        raise MismatchError(
            f"The base {base.base.name} has no clip skip.",
            f"Its family, {base.base.family}, reads a prompt otherwise; the recipe asks for it.",
            "Render it with the base that the recipe names, or without clip skip.",
        )
    return base.reading_at(layer)


def _each_once(base: LoadedBase, group: Group) -> Conditioning:
    asked = list(zip(group.batch_texts(), group.batch_words(), strict=True))
    once = list(dict.fromkeys(asked))
    order = [once.index(one) for one in asked]
    weighting = group.recipes[0].weighting
    if isinstance(base, LearnsWords) and any(words for _, words in once):
        return base.encode_spoken(once, weighted=weighting is not None).rows(order)
    return _encoded(base, [text for text, _ in once], weighting).rows(order)


def _encoded(base: LoadedBase, texts: Sequence[str], weighting: Weighting | None) -> Conditioning:
    if weighting is None:
        return base.encode_text(texts)
    if not isinstance(base, EncodesWeighted):
        raise MismatchError(
            f"The base {base.base.name} cannot weight words.",
            f"Its family, {base.base.family}, reads a prompt as it stands; the recipe asks for weights.",
            "Render it with the base that the recipe names, or without weights.",
        )
    return base.encode_weighted(texts)
