"""How a text becomes what FLUX.2 [klein] sees: three of Qwen3's hidden states, side by side, per token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from duktus.families.flow.framed_words import FramedWords
from duktus.families.flux2.folder import TEXT_LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

MOST_TOKENS = 512
"""Of a prompt with its frame (diffusers ``Flux2KleinPipeline``, ``max_sequence_length``)."""


@dataclass(frozen=True, slots=True)
class Flux2Conditioning:
    """Hidden states (n, tokens, 3 * width)."""

    hidden: Tensor

    def rows(self, index: Sequence[int] | Tensor) -> Flux2Conditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        return Flux2Conditioning(self.hidden[torch.as_tensor(index, device=self.hidden.device)])


class Flux2Words(FramedWords):
    """The text encoder with its tokenizer; each text is encoded alone, at fixed length."""

    thinking = False
    cached_texts = 16
    """At most about 400 MB in float32 for 9B, half of it in bfloat16."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        super().__init__(encoder, tokenizer)
        self._tokens: int = min(MOST_TOKENS, tokenizer.model_max_length)

    def encode(self, texts: Sequence[str]) -> Flux2Conditioning:
        """One row per text, framed as a user's message as in training; longer texts are cut."""
        return Flux2Conditioning(torch.cat([self.row(text) for text in texts]))

    def _read(self, framed: str) -> Tensor:
        read = self._tokenizer(
            framed, padding="max_length", max_length=self._tokens, truncation=True, return_tensors="pt"
        ).to(self._encoder.device)
        states = self._encoder(**read, output_hidden_states=True, use_cache=False).hidden_states
        return torch.cat([states[layer] for layer in TEXT_LAYERS], dim=-1)
