"""How a text becomes what FLUX.2 [klein] sees: three of Qwen3's hidden states, side by side, per token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from duktus.families.flux2.folder import TEXT_LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

MOST_TOKENS = 512
"""Of a prompt with its frame (diffusers ``Flux2KleinPipeline``, ``max_sequence_length``)."""
CACHED_TEXTS = 16
"""At most about 400 MB in float32 for 9B, half of it in bfloat16."""


@dataclass(frozen=True, slots=True)
class Flux2Conditioning:
    """Hidden states (n, tokens, 3 * width)."""

    hidden: Tensor

    def rows(self, index: Sequence[int] | Tensor) -> Flux2Conditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        return Flux2Conditioning(self.hidden[torch.as_tensor(index, device=self.hidden.device)])


class Flux2Words:
    """The text encoder with its tokenizer; each text is encoded alone, at fixed length."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        self._encoder: Any = encoder
        self._tokenizer = tokenizer
        self._tokens: int = min(MOST_TOKENS, tokenizer.model_max_length)
        self._known: dict[str, Tensor] = {}

    def encode(self, texts: Sequence[str]) -> Flux2Conditioning:
        """One row per text, framed as a user's message as in training; longer texts are cut."""
        return Flux2Conditioning(torch.cat([self._one(text) for text in texts]))

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
            enable_thinking=False,
        )
        read = self._tokenizer(
            framed, padding="max_length", max_length=self._tokens, truncation=True, return_tensors="pt"
        ).to(self._encoder.device)
        with torch.no_grad():
            states = self._encoder(**read, output_hidden_states=True, use_cache=False).hidden_states
        row = torch.cat([states[layer] for layer in TEXT_LAYERS], dim=-1)
        if len(self._known) >= CACHED_TEXTS:
            self._known.pop(next(iter(self._known)))
        self._known[text] = row
        return row
