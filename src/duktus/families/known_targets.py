"""Refusing targets that a family does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.domain.errors import InputError
from duktus.domain.style import Targets

if TYPE_CHECKING:
    from collections.abc import Collection

WHY = {
    Targets.ATTENTION_FEED_FORWARD_CONV: "Its transformer has no convolutions.",
    Targets.STYLE_BLOCKS: "Which blocks carry the style is known of SDXL alone (B-LoRA, arXiv 2403.14572).",
}


def check_known(targets: Targets, known: Collection[Targets]) -> None:
    """:class:`InputError` naming the targets there are."""
    if targets not in known:
        raise InputError(
            f"This base has no modules for the targets '{targets.value}'.",
            WHY.get(targets, ""),
            f"Choose one of: {', '.join(one.value for one in known)}.",
        )
