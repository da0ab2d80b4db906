"""What a base may be used for, as far as its files tell; where they do not, the person is asked."""

from __future__ import annotations

from dataclasses import dataclass

from duktus.domain.base import Role
from duktus.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Told:
    """What the files say: a role or nothing, and what was seen."""

    role: Role | None
    why: str


def decided(told: Told, asked: Role | None, what: str) -> Role:
    """The role of ``what``: as the files tell, narrowed to what was asked for.

    Raises:
        InputError: neither the files nor the person say, or the person asks to teach on a distilled base.
    """
    if told.role is None and asked is None:
        raise InputError(
            f"Whether a style can be taught on {what} cannot be told from its files.",
            f"{told.why} Teaching on a distilled model spoils it, so duktus does not guess.",
            "Say it with --role 'teach and render', or --role 'render only' for a Turbo, Lightning, Hyper or "
            "LCM model (its model card says so).",
        )
    if asked is not None and (asked is Role.INPAINTING) != (told.role is Role.INPAINTING):
        raise InputError(
            f"{what} is {'' if told.role is Role.INPAINTING else 'not '}a base for inpainting.",
            told.why,
            "Leave --role out, or take another edition of this base.",
        )
    if told.role is Role.RENDER_ONLY and asked not in (None, Role.RENDER_ONLY):
        raise InputError(
            f"{what} cannot be taught on.",
            told.why,
            "Add it with --role 'render only', and teach on the base it was distilled from.",
        )
    role = asked or told.role
    assert role is not None
    return role
