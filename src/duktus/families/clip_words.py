"""Words for the CLIP text encoder: such as count more or less than others, and such as stand for vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from duktus.families.learned_words import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from duktus.domain.weighting import Chunk
    from duktus.families.learned_words import Spoken

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
    return _framed(tokenizer, ids, weights)


def _framed(tokenizer: Any, ids: Sequence[int], weights: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Both (1, 77), between the marks of beginning and end and padded."""
    room = TOKENS - 2
    ids = [tokenizer.bos_token_id, *ids[:room], tokenizer.eos_token_id]
    weights = [1.0, *weights[:room], 1.0]
    missing = TOKENS - len(ids)
    return (
        torch.tensor([[*ids, *[tokenizer.pad_token_id] * missing]]),
        torch.tensor([[*weights, *[1.0] * missing]]),
    )


@dataclass(frozen=True, slots=True)
class Read:
    """A text as the encoder takes it."""

    ids: Tensor
    """(1, 77)"""
    weights: Tensor | None
    """(1, 77); None when all tokens count alike."""
    places: tuple[int, ...] = ()
    """Where vectors stand instead of tokens."""
    vectors: Tensor | None = None
    """(places, width)"""


def read_words(tokenizer: Any, text: Sequence[Chunk], spoken: Mapping[str, Tensor]) -> Read:
    """The text with the vectors (n, width) of each word of ``spoken`` (in lower case) where it stands.

    Vectors count as tokens do: 75 fit, and what is beyond is cut. Below each stands token 0, which is not the
    end, so that the pooled text is taken from the true end, as in ComfyUI. (With diffusers it is not, where
    the base's configuration calls 2 its last token, as SDXL's do: transformers then takes the place of the
    highest token, and new ones are the highest.)
    """
    pieces = [(*piece, weight) for part, weight in text for piece in parts(part, tuple(spoken))]
    if not any(learned for _, learned, _ in pieces):
        return Read(*weighted_tokens(tokenizer, text))
    ids: list[int] = []
    weights: list[float] = []
    found: dict[int, Tensor] = {}
    for piece, learned, weight in pieces:
        if learned:
            vectors = spoken[piece]
            found |= {len(ids) + 1 + row: vectors[row] for row in range(len(vectors))}
            tokens = [0] * len(vectors)
        else:
            tokens = tokenizer(piece, add_special_tokens=False).input_ids
        ids += tokens
        weights += [weight] * len(tokens)
    padded, counted = _framed(tokenizer, ids, weights)
    places = tuple(place for place in found if place < TOKENS - 1)
    return Read(
        padded,
        counted if any(weight != 1 for weight in weights) else None,
        places,
        torch.stack([found[place] for place in places]) if places else None,
    )


def answered(encoder: Any, read: Read, device: torch.device, **more: Any) -> Any:
    """What the encoder says to a text, gradients reaching the vectors in it."""
    if read.vectors is None:
        return encoder(read.ids.to(device), **more)
    places, vectors = [*read.places], read.vectors

    def place(_module: Any, _given: Any, embedded: Tensor) -> Tensor:
        out = embedded.clone()
        out[0, places] = vectors.to(out)
        return out

    handle = encoder.get_input_embeddings().register_forward_hook(place)
    try:
        return encoder(read.ids.to(device), **more)
    finally:
        handle.remove()


def plain(text: Sequence[Chunk]) -> str:
    """The text without its weights, in which a word of one stretch never runs on into the next."""
    return "\n".join(part for part, _ in text)


def of_encoder(spoken: Spoken, encoder: str) -> dict[str, Tensor]:
    """What the words stand for in one text encoder."""
    return {word: vectors[encoder] for word, vectors in spoken.items()}


def longest(encoder: Any) -> float:
    """The length of the longest vector in an encoder's vocabulary."""
    return float(encoder.get_input_embeddings().weight.detach().float().norm(dim=1).max())


def own_vectors(tokenizer: Any, encoder: Any, text: str) -> Tensor:
    """The vectors (tokens, width) that the vocabulary has for a text, in float32."""
    ids = tokenizer(text, add_special_tokens=False).input_ids
    return encoder.get_input_embeddings().weight[ids].detach().float()


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
