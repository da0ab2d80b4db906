"""Words that count more or less than others, for the CLIP text encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from duktus.domain.weighting import Chunk

TOKENS = 77
"""What the encoder reads at once, with the marks of beginning and end."""


def weighted_tokens(tokenizer: Any, text: Sequence[Chunk]) -> tuple[Tensor, Tensor | None]:
    """Token ids (1, 77) and how much each counts (1, 77); no weights when all count alike.

    More than 75 tokens are cut. The marks of beginning, end and padding count once.
    """
    if len(text) == 1 and text[0][1] == 1:
        read = tokenizer(
            text[0][0], padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
        )
        return read.input_ids, None
    ids: list[int] = []
    weights: list[float] = []
    for part, weight in text:
        found: list[int] = tokenizer(part, add_special_tokens=False).input_ids
        ids += found
        weights += [weight] * len(found)
    room = TOKENS - 2
    ids = [tokenizer.bos_token_id, *ids[:room], tokenizer.eos_token_id]
    weights = [1.0, *weights[:room], 1.0]
    missing = TOKENS - len(ids)
    return (
        torch.tensor([[*ids, *[tokenizer.pad_token_id] * missing]]),
        torch.tensor([[*weights, *[1.0] * missing]]),
    )


def weighed_rows(hidden: Tensor, weights: Tensor) -> Tensor:
    """Each token's state times its weight, the mean of the whole restored, as A1111's "Original" emphasis.

    ``hidden`` is (1, 77, width), ``weights`` (1, 77). Computed in float32.
    """
    before = hidden.float()
    after = before * weights.unsqueeze(-1)
    mean = after.mean()
    if float(mean) != 0:
        after = after * (before.mean() / mean)
    return after.to(hidden.dtype)
