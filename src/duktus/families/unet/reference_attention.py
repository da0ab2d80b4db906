"""The U-Net's attention to its text, and beside it to reference pictures (arXiv 2308.06721, decoupled cross
attention): both answers come from the same question and are added up, each picture's by its weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from duktus.families import proof
from duktus.families.unet.attention import PlainAttention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from duktus.families.reference import Shown

_SHOWN = "shows_references"


class ReferenceAttention(PlainAttention):
    """Attention to a text, and to the keys, values and weights (n, 1, 1, 1) of reference pictures."""

    def __init__(
        self, seen: Sequence[tuple[Tensor, Tensor, Tensor]], how: type[proof.Held] = proof.Together
    ) -> None:
        super().__init__(how)
        self._seen = seen

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(n, heads, tokens, width); in proof arithmetic with the bits held."""
        answer = super().attend(query, key, value)
        n, heads, _, width = query.shape
        for keys, values, weights in self._seen:
            key, value = (one.view(n, -1, heads, width).transpose(1, 2) for one in (keys, values))
            answer = answer + weights * super().attend(query, key, value)
        return answer


def attentions_to_text(unet: nn.Module) -> list[str]:
    """Names of the places where the U-Net looks at its text, in the order that adapters number them."""
    processors: dict[str, Any] = unet.attn_processors  # pyright: ignore[reportAssignmentType]
    return [name for name in processors if name.endswith("attn2.processor")]


def show(unet: nn.Module, shown: Sequence[Shown]) -> None:
    """Let the U-Net look at these beside its text; at none, its attention is what it was."""
    if not shown and not unet.__dict__.get(_SHOWN):
        return
    how = proof.arithmetic_of(unet)
    changing: Any = unet
    processors: dict[str, Any] = dict.fromkeys(changing.attn_processors, PlainAttention(how))
    for place, name in enumerate(attentions_to_text(unet) if shown else ()):
        processors[name] = ReferenceAttention([_rows(one, place) for one in shown], how or proof.Together)
    changing.set_attn_processor(processors)
    unet.__dict__[_SHOWN] = bool(shown)


def _rows(shown: Shown, place: int) -> tuple[Tensor, Tensor, Tensor]:
    """Keys, values and weights at one place for the rows of the batch: those without the pictures first."""
    turns = (0, 1) if shown.guided else (1,)
    keys, values = (
        torch.cat([some[place][turn : turn + 1] for turn in turns for some in parts])
        for parts in ([one.keys for one in shown.looks], [one.values for one in shown.looks])
    )
    weights = torch.tensor(list(shown.weights) * len(turns), device=keys.device, dtype=keys.dtype)
    return keys, values, weights.view(-1, 1, 1, 1)
