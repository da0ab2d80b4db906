"""A Stable Diffusion 1.x base in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from duktus.domain.base import Base
from duktus.domain.weighting import Chunk, chunks
from duktus.families.clip_words import weighed_rows, weighted_tokens
from duktus.families.holding import Holding
from duktus.families.text_styles import TextStyles
from duktus.families.unet.base import UnetBase

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from transformers import CLIPTextModel, CLIPTokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duktus.families.family import Conditioning


@dataclass(frozen=True, slots=True)
class Sd15Conditioning:
    """The text encoder's last hidden states, (n, 77, width)."""

    hidden: Tensor

    def rows(self, index: Sequence[int]) -> Sd15Conditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        return Sd15Conditioning(self.hidden[torch.as_tensor(index, device=self.hidden.device)])


class LoadedSd15(UnetBase[Tensor]):
    """See :class:`duktus.families.family.LoadedBase`."""

    remembers = 512
    """About 120 MB at the width of Stable Diffusion 1.5."""

    def __init__(self, base: Base, *, device: str, dtype: str, holding: Holding) -> None:
        super().__init__(base, device=device, dtype=dtype, holding=holding)
        self._text: Any = self._network(CLIPTextModel, "text_encoder")
        self._tokenizer = CLIPTokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True)
        self.text_styles = TextStyles(base.family, base.name, {"text_encoder": self._text})

    def encode_text(self, texts: Sequence[str]) -> Sd15Conditioning:
        """One row per text, each encoded alone at (1, 77): what shares the call never changes it.

        A text of more than 77 tokens is cut, as every program of this family without chunking does.
        """
        return Sd15Conditioning(torch.cat([self._encode(((text, 1.0),)) for text in texts]))

    def encode_weighted(self, texts: Sequence[str]) -> Sd15Conditioning:
        """As ``encode_text``, with the brackets read (:mod:`duktus.domain.weighting`)."""
        return Sd15Conditioning(torch.cat([self._encode(chunks(text)) for text in texts]))

    def _encode(self, text: tuple[Chunk, ...]) -> Tensor:
        return self._remembered(text, lambda: self._encode_anew(text))

    def _encode_anew(self, text: tuple[Chunk, ...]) -> Tensor:
        if self._text is None:
            raise RuntimeError("the text encoder was dropped")
        ids, weights = weighted_tokens(self._tokenizer, text)
        with torch.no_grad():
            row: Tensor = self._text(ids.to(self.device))[0]
        return row if weights is None else weighed_rows(row, weights.to(self.device))

    def _told(self, noisy: Tensor, conditioning: Conditioning) -> dict[str, Any]:  # noqa: ARG002
        assert isinstance(conditioning, Sd15Conditioning)
        return {"encoder_hidden_states": conditioning.hidden.to(self.dtype)}

    def _drop_text_encoders(self) -> None:
        self._text = None
        self.text_styles = TextStyles(self.base.family, self.base.name, {})
