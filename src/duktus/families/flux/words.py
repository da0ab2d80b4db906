"""How a text becomes what FLUX.1 sees: a summary by CLIP, and every token by T5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIP_TOKENS = 77
CACHED_TEXTS = 32
"""About 130 MB at T5-XXL's width in bfloat16, twice that in float32."""


@dataclass(frozen=True, slots=True)
class FluxConditioning:
    """T5's last hidden states (n, tokens, width) and CLIP's pooled output (n, width)."""

    hidden: Tensor
    pooled: Tensor

    def rows(self, index: Sequence[int] | Tensor) -> FluxConditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        place = torch.as_tensor(index, device=self.hidden.device)
        return FluxConditioning(self.hidden[place], self.pooled[place])


class FluxWords:
    """Both text encoders with their tokenizers; each text is encoded alone, at fixed length."""

    def __init__(self, clip: Any, t5: Any, tokenizers: tuple[Any, Any], t5_tokens: int) -> None:
        self._clip: Any = clip
        self._t5: Any = t5
        self._clip_tokenizer, self._t5_tokenizer = tokenizers
        self._t5_tokens = t5_tokens
        self._known: dict[str, tuple[Tensor, Tensor]] = {}

    def encode(self, texts: Sequence[str]) -> FluxConditioning:
        """One row per text; longer texts are cut."""
        rows = [self._one(text) for text in texts]
        return FluxConditioning(
            torch.cat([hidden for hidden, _ in rows]), torch.cat([pooled for _, pooled in rows])
        )

    def drop(self) -> None:
        """Free both encoders; texts already encoded stay."""
        self._clip = self._t5 = None

    def _one(self, text: str) -> tuple[Tensor, Tensor]:
        known = self._known.get(text)
        if known is not None:
            return known
        if self._t5 is None:
            raise RuntimeError("the text encoders were dropped")
        with torch.no_grad():
            ids = _ids(self._t5_tokenizer, text, self._t5_tokens).to(self._t5.device)
            hidden: Tensor = self._t5(ids, output_hidden_states=False)[0]
            ids = _ids(self._clip_tokenizer, text, CLIP_TOKENS).to(self._clip.device)
            pooled: Tensor = self._clip(ids, output_hidden_states=False).pooler_output
        if len(self._known) >= CACHED_TEXTS:
            self._known.pop(next(iter(self._known)))
        self._known[text] = (hidden, pooled)
        return hidden, pooled


def _ids(tokenizer: Any, text: str, length: int) -> Tensor:
    """Token ids (1, length), padded; the padding is seen, as FLUX.1 was trained to."""
    return tokenizer(
        text, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
