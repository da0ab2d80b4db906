"""A Stable Diffusion 1.x base in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from duktus.domain.base import Base
from duktus.domain.weighting import Chunk, chunks
from duktus.families.clip_words import (
    answered,
    longest,
    of_encoder,
    own_vectors,
    plain,
    read_words,
    weighed_rows,
)
from duktus.families.holding import Holding
from duktus.families.text_styles import TextStyles
from duktus.families.unet.base import UnetBase

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from transformers import CLIPTextModel, CLIPTokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duktus.families.family import Conditioning
    from duktus.families.learned_words import Spoken, Vectors, Worn


ENCODER = "text_encoder"


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
        self.text_styles = TextStyles(base.family, base.name, {ENCODER: self._text})

    def encode_text(self, texts: Sequence[str]) -> Sd15Conditioning:
        """One row per text, each encoded alone at (1, 77): what shares the call never changes it.

        A text of more than 77 tokens is cut, as every program of this family without chunking does.
        """
        return Sd15Conditioning(torch.cat([self._encode(((text, 1.0),)) for text in texts]))

    def encode_weighted(self, texts: Sequence[str]) -> Sd15Conditioning:
        """As ``encode_text``, with the brackets read (:mod:`duktus.domain.weighting`)."""
        return Sd15Conditioning(torch.cat([self._encode(chunks(text)) for text in texts]))

    def encode_spoken(
        self, texts: Sequence[tuple[str, tuple[Worn, ...]]], *, weighted: bool
    ) -> Sd15Conditioning:
        """As ``encode_text`` or ``encode_weighted``, each text with its own learned words."""
        return Sd15Conditioning(torch.cat(self._spoken(texts, weighted=weighted)))

    def encode_anew(self, texts: Sequence[str]) -> Sd15Conditioning:
        """As ``encode_text``, remembering nothing, gradients reaching the vectors of learned words."""
        return Sd15Conditioning(torch.cat([self._encode_anew(((text, 1.0),)) for text in texts]))

    def vectors_of(self, text: str) -> Vectors:
        """The vectors that the vocabulary has for a text, (tokens, width)."""
        return {ENCODER: own_vectors(self._tokenizer, self._text, text)}

    def longest_vectors(self) -> Mapping[str, float]:
        """The length of the longest vector in the vocabulary."""
        return {ENCODER: longest(self._text)}

    def _encode(self, text: tuple[Chunk, ...]) -> Tensor:
        with torch.no_grad():
            return self._remembered(text, lambda: self._encode_anew(text))

    def _encode_anew(self, text: tuple[Chunk, ...]) -> Tensor:
        if self._text is None:
            raise RuntimeError("the text encoder was dropped")
        return self.learned_words.mixed(plain(text), lambda spoken: (self._answered(text, spoken),))[0]

    def _answered(self, text: tuple[Chunk, ...], spoken: Spoken) -> Tensor:
        read = read_words(self._tokenizer, text, of_encoder(spoken, ENCODER))
        row: Tensor
        if self._layer is None:
            row = answered(self._text, read, self.device)[0]
        else:
            answer = answered(self._text, read, self.device, output_hidden_states=True)
            row = self._last_norm(answer.hidden_states[-self._layer])
        return row if read.weights is None else weighed_rows(row, read.weights.to(self.device))

    @property
    def _last_norm(self) -> Any:
        """Newer libraries leave out the wrapper around the encoder's parts."""
        return getattr(self._text, "text_model", self._text).final_layer_norm

    def _told(self, noisy: Tensor, conditioning: Conditioning) -> dict[str, Any]:  # noqa: ARG002
        assert isinstance(conditioning, Sd15Conditioning)
        return {"encoder_hidden_states": conditioning.hidden.to(self.dtype)}

    def _drop_text_encoders(self) -> None:
        self._text = None
        self.learned_words.forget()
        self.text_styles = TextStyles(self.base.family, self.base.name, {})
