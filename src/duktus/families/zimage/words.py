"""How a text becomes what Z-Image sees: Qwen3's second to last hidden states, one for each token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.families.flow.framed_words import FramedWords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

MOST_TOKENS = 512
"""Of a prompt with its frame (diffusers ``ZImagePipeline``, ``max_sequence_length``)."""


@dataclass(frozen=True, slots=True)
class ZImageConditioning:
    """Hidden states (tokens, width) of each picture's text; lengths differ."""

    hidden: tuple[Tensor, ...]

    def rows(self, index: Sequence[int]) -> ZImageConditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        return ZImageConditioning(tuple(self.hidden[place] for place in index))


class ZImageWords(FramedWords):
    """The text encoder with its tokenizer; each text is encoded alone and unpadded."""

    thinking = True
    cached_texts = 64
    """At most about 330 MB in float32; usual prompts take a fifth of it."""

    def encode(self, texts: Sequence[str]) -> ZImageConditioning:
        """One row per text, framed as a user's message as in training; longer texts are cut."""
        return ZImageConditioning(tuple(self.row(text) for text in texts))

    def _read(self, framed: str) -> Tensor:
        ids = self._tokenizer(framed, max_length=MOST_TOKENS, truncation=True, return_tensors="pt").input_ids
        states = self._encoder(input_ids=ids.to(self._encoder.device), output_hidden_states=True)
        return states.hidden_states[-2][0]
