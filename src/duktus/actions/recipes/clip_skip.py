"""At which layer of the text encoder a recipe has its prompts read."""

from __future__ import annotations

from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.families.family import SkipsLayers
from duktus.families.registry import family


def clip_skip(base: Base, asked: int | None) -> int | None:
    """What a recipe on ``base`` says of it, counted as A1111 does; None where that is the base's own layer.

    :class:`InputError` for a base that has no such layers, or fewer of them.
    """
    if asked is None:
        return None
    able = family(base.family)
    if not isinstance(able, SkipsLayers):
        raise InputError(
            f"{base.name} has no clip skip.",
            f"Its family, {base.family}, reads a prompt otherwise; the CLIP families have one.",
            "Leave --clip-skip out.",
        )
    layers = able.clip_layers(base)
    if not 1 <= asked <= layers.most:
        raise InputError(
            f"Clip skip {asked} is not one of {base.name}.",
            f"1 is the last layer of its text encoder, {layers.most} the first.",
            f"Give 1 to {layers.most}; by itself it reads at {layers.own}.",
        )
    return asked if asked > layers.own else None
