"""Texts as Qwen3 sees them: framed as a user's message, each encoded alone and kept for the next time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor


class FramedWords(ABC):
    """The text encoder with its tokenizer; what of its hidden states a base sees, the family says."""

    thinking: ClassVar[bool]
    """Whether the frame leaves room for the encoder to think, as the base was trained with."""
    cached_texts: ClassVar[int]
    """How many texts are kept."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        self._encoder: Any = encoder
        self._tokenizer = tokenizer
        self._known: dict[str, Tensor] = {}

    def drop(self) -> None:
        """Free the encoder; texts already encoded stay."""
        self._encoder = None

    def row(self, text: str) -> Tensor:
        """What the base sees of one text."""
        known = self._known.get(text)
        if known is not None:
            return known
        if self._encoder is None:
            raise RuntimeError("the text encoder was dropped")
        framed: str = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": text}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=self.thinking,
        )
        with torch.no_grad():
            row = self._read(framed)
        if len(self._known) >= self.cached_texts:
            self._known.pop(next(iter(self._known)))
        self._known[text] = row
        return row

    @abstractmethod
    def _read(self, framed: str) -> Tensor:
        """The hidden states of a framed text that the base sees."""
