"""How a text becomes what Z-Image sees: Qwen3's second to last hidden states, one for each token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

MOST_TOKENS = 512
"""Of a prompt with its frame (diffusers ``ZImagePipeline``, ``max_sequence_length``)."""
CACHED_TEXTS = 64
"""At most about 330 MB in float32; usual prompts take a fifth of it."""


@dataclass(frozen=True, slots=True)
class ZImageConditioning:
    """Hidden states (tokens, width) of each picture's text; lengths differ."""

    hidden: tuple[Tensor, ...]

    def rows(self, index: Sequence[int]) -> ZImageConditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        return ZImageConditioning(tuple(self.hidden[place] for place in index))


class ZImageWords:
    """The text encoder with its tokenizer; each text is encoded alone and unpadded."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        self._encoder: Any = encoder
        self._tokenizer = tokenizer
        self._known: dict[str, Tensor] = {}

    def encode(self, texts: Sequence[str]) -> ZImageConditioning:
        """One row per text, framed as a user's message as in training; longer texts are cut."""
        return ZImageConditioning(tuple(self._one(text) for text in texts))

    def drop(self) -> None:
        """Free the encoder; texts already encoded stay."""
        self._encoder = None

    def _one(self, text: str) -> Tensor:
        known = self._known.get(text)
        if known is not None:
            return known
        if self._encoder is None:
            raise RuntimeError("the text encoder was dropped")
        framed: str = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": text}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=True,
        )
        ids = self._tokenizer(framed, max_length=MOST_TOKENS, truncation=True, return_tensors="pt").input_ids
        with torch.no_grad():
            states = self._encoder(input_ids=ids.to(self._encoder.device), output_hidden_states=True)
        row: Tensor = states.hidden_states[-2][0]
        if len(self._known) >= CACHED_TEXTS:
            self._known.pop(next(iter(self._known)))
        self._known[text] = row
        return row
