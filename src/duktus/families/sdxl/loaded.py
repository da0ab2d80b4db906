"""An SDXL base or refiner in memory."""

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
from duktus.families.sdxl.folder import OWN_LAYER, layout_of
from duktus.families.sdxl.targets import PATTERNS
from duktus.families.text_styles import TextStyles
from duktus.families.unet.base import UnetBase

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duktus.families.family import Conditioning
    from duktus.families.learned_words import Spoken, Vectors, Worn

AESTHETIC_SCORE = 6.0
"""What the refiner is told; diffusers' pipeline default for the prompt. Both sides of the guidance are told
the same, for a batch does not say which of its rows are the negative ones."""


@dataclass(frozen=True, slots=True)
class SdxlConditioning:
    """What both text encoders made of a text: (n, 77, width) hidden states and (n, width) pooled."""

    hidden: Tensor
    pooled: Tensor

    def rows(self, index: Sequence[int]) -> SdxlConditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        places = torch.as_tensor(index, device=self.hidden.device)
        return SdxlConditioning(self.hidden[places], self.pooled[places])


class LoadedSdxl(UnetBase[SdxlConditioning]):
    """See :class:`duktus.families.family.LoadedBase`."""

    patterns = PATTERNS
    remembers = 256
    """About 160 MB at the width of SDXL."""

    def __init__(self, base: Base, *, device: str, dtype: str, holding: Holding) -> None:
        # SDXL's autoencoder overflows in float16 (force_upcast in its own configuration).
        super().__init__(
            base,
            device=device,
            dtype=dtype,
            holding=holding,
            pictures=torch.float32 if dtype == "float16" else None,
        )
        self._layout = layout_of(base.folder)
        self._encoders: list[tuple[Any, Any]] = self._text_encoders()
        self.text_styles = TextStyles(
            base.family, base.name, {name: encoder for name, (_, encoder) in self._named.items()}
        )

    def _text_encoders(self) -> list[tuple[Any, Any]]:
        """(tokenizer, encoder) pairs; the last one's projection is the pooled text."""
        kinds = {"tokenizer": CLIPTextModel, "tokenizer_2": CLIPTextModelWithProjection}
        return [
            (
                CLIPTokenizer.from_pretrained(self.base.folder / name, local_files_only=True),
                self._network(kinds[name], _encoder_of(name)),
            )
            for name in self._layout.tokenizers
        ]

    def encode_text(self, texts: Sequence[str]) -> SdxlConditioning:
        """One row per text, each encoded alone at (1, 77) by both encoders.

        The hidden states are those before the last layer; a text of more than 77 tokens is cut. An empty
        text is encoded as such, as ComfyUI does; diffusers' pipeline puts zeros where none is given.
        """
        return _joined([self._encode(((text, 1.0),)) for text in texts])

    def encode_weighted(self, texts: Sequence[str]) -> SdxlConditioning:
        """As ``encode_text``, with the brackets read (:mod:`duktus.domain.weighting`); the pooled text has
        no words to weigh.
        """
        return _joined([self._encode(chunks(text)) for text in texts])

    def encode_spoken(
        self, texts: Sequence[tuple[str, tuple[Worn, ...]]], *, weighted: bool
    ) -> SdxlConditioning:
        """As ``encode_text`` or ``encode_weighted``, each text with its own learned words."""
        return _joined(self._spoken(texts, weighted=weighted))

    def encode_anew(self, texts: Sequence[str]) -> SdxlConditioning:
        """As ``encode_text``, remembering nothing, gradients reaching the vectors of learned words."""
        return _joined([self._encode_anew(((text, 1.0),)) for text in texts])

    def vectors_of(self, text: str) -> Vectors:
        """The vectors that each vocabulary has for a text, (tokens, width)."""
        return {name: own_vectors(*self._named[name], text) for name in self._named}

    def longest_vectors(self) -> Mapping[str, float]:
        """The length of the longest vector in each vocabulary."""
        return {name: longest(encoder) for name, (_, encoder) in self._named.items()}

    @property
    def _named(self) -> dict[str, tuple[Any, Any]]:
        """(tokenizer, encoder) by the encoder's folder."""
        names = map(_encoder_of, self._layout.tokenizers)
        return dict(zip(names, self._encoders, strict=True))

    def _encode(self, text: tuple[Chunk, ...]) -> SdxlConditioning:
        with torch.no_grad():
            return self._remembered(text, lambda: self._encode_anew(text))

    def _encode_anew(self, text: tuple[Chunk, ...]) -> SdxlConditioning:
        if not self._encoders:
            raise RuntimeError("the text encoders were dropped")
        return SdxlConditioning(
            *self.learned_words.mixed(plain(text), lambda spoken: self._answered(text, spoken))
        )

    def _answered(self, text: tuple[Chunk, ...], spoken: Spoken) -> tuple[Tensor, Tensor]:
        rows: list[Tensor] = []
        answer: Any = None
        for name, (tokenizer, encoder) in self._named.items():
            read = read_words(tokenizer, text, of_encoder(spoken, name))
            answer = answered(encoder, read, self.device, output_hidden_states=True)
            row: Tensor = answer.hidden_states[-(self._layer or OWN_LAYER)]
            rows.append(row if read.weights is None else weighed_rows(row, read.weights.to(self.device)))
        return torch.cat(rows, dim=-1), answer.text_embeds

    def _told(self, noisy: Tensor, conditioning: Conditioning) -> dict[str, Any]:
        """The text, and that the picture has its own size and nothing was cut off."""
        assert isinstance(conditioning, SdxlConditioning)
        told = {
            "text_embeds": conditioning.pooled.to(self.dtype),
            "time_ids": self._sizes(noisy).to(self.dtype),
        }
        return {"encoder_hidden_states": conditioning.hidden.to(self.dtype), "added_cond_kwargs": told}

    def _sizes(self, noisy: Tensor) -> Tensor:
        """(n, 6): original size, cut-off corner, target size; (n, 5) for a refiner, which takes a score."""
        height, width = (side * self._pictures.shrink for side in noisy.shape[-2:])
        end = [AESTHETIC_SCORE] if self._layout.refiner else [height, width]
        row = torch.tensor([height, width, 0, 0, *end], dtype=torch.float32, device=self.device)
        return row.repeat(noisy.shape[0], 1)

    def _drop_text_encoders(self) -> None:
        self._encoders = []
        self.learned_words.forget()
        self.text_styles = TextStyles(self.base.family, self.base.name, {})


def _encoder_of(tokenizer: str) -> str:
    """The folder of a tokenizer's encoder."""
    return tokenizer.replace("tokenizer", "text_encoder")


def _joined(rows: Sequence[SdxlConditioning]) -> SdxlConditioning:
    return SdxlConditioning(torch.cat([row.hidden for row in rows]), torch.cat([row.pooled for row in rows]))
