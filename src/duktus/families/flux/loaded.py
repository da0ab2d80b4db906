"""A FLUX.1 base in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.base import Base
from duktus.domain.style import NoiseLevels
from duktus.families.flow import flow_matching
from duktus.families.flow.base import FlowBase
from duktus.families.flux.folder import few_steps
from duktus.families.flux.targets import PATTERNS
from duktus.families.flux.words import FluxConditioning, FluxWords
from duktus.families.holding import Holding
from duktus.families.picture_by_picture import in_parts

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import FluxTransformer2DModel
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from duktus.families.family import Conditioning

T5_TOKENS, T5_TOKENS_FEW_STEPS = 512, 256
"""How much text dev and schnell read (black-forest-labs/flux, ``src/flux/util.py``, ``load_t5``)."""
TEACH_GUIDANCE = 1.0
"""What a guidance-distilled base is told while it is taught: then the plain velocity is the right answer
(kohya-ss/sd-scripts, docs/flux_train_network.md, ``--guidance_scale=1.0``)."""


class LoadedFlux(FlowBase):
    """See :class:`duktus.families.family.LoadedBase`."""

    patterns = PATTERNS
    latents_per_token = 4

    def __init__(self, base: Base, *, device: str, dtype: str, holding: Holding) -> None:
        super().__init__(base, FluxTransformer2DModel, device=device, dtype=dtype, holding=holding)
        self._guided = bool(self._transformer.config.guidance_embeds)
        self._words: FluxWords = self._text_encoders()

    def _text_encoders(self) -> FluxWords:
        folder = self.base.folder
        clip: Any = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        t5: Any = T5Tokenizer.from_pretrained(folder / "tokenizer_2", local_files_only=True)
        longest = T5_TOKENS_FEW_STEPS if few_steps(folder) else T5_TOKENS
        # T5 overflows in float16 (huggingface/transformers pull request 9487)
        t5_dtype = torch.bfloat16 if self.dtype is torch.float16 else self.dtype
        return FluxWords(
            self._network(CLIPTextModel, "text_encoder"),
            self._network(T5EncoderModel, "text_encoder_2", t5_dtype),
            (clip, t5),
            min(longest, t5.model_max_length),
        )

    def encode_text(self, texts: Sequence[str]) -> FluxConditioning:
        """One row per text, each encoded alone at fixed length: what shares the call never changes it."""
        return self._words.encode(texts)

    def _drop_text_encoders(self) -> None:
        self._words.drop()

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, guidance: Tensor | None = None
    ) -> Tensor:
        """The velocity; ``timesteps`` (n,), or (1,) for all. Without ``guidance`` a distilled base gets 1."""
        assert isinstance(conditioning, FluxConditioning)
        n, _, height, width = noisy.shape
        packed = pack(noisy.to(self.dtype))
        times = timesteps.to(self.device).expand(n).to(self.dtype) / flow_matching.SCALE
        told: Tensor | None = None
        if self._guided:
            told = torch.full((n,), TEACH_GUIDANCE) if guidance is None else guidance
            told = told.to(self.device, torch.float32)

        def compute(index: Tensor) -> Tensor:
            text = conditioning.rows(index)
            return self._transformer(
                hidden_states=packed[index],
                timestep=times[index],
                guidance=None if told is None else told[index],
                pooled_projections=text.pooled.to(self.dtype),
                encoder_hidden_states=text.hidden.to(self.dtype),
                txt_ids=torch.zeros(text.hidden.shape[1], 3, device=self.device, dtype=self.dtype),
                img_ids=places(height // 2, width // 2).to(self.device, self.dtype),
                return_dict=False,
            )[0]

        parts = [[place] for place in range(n)] if self._alone else [range(n)]
        return unpack(in_parts(parts, compute), height, width)

    def sample_timesteps(
        self,
        n: int,
        generator: torch.Generator,
        levels: NoiseLevels = NoiseLevels.UNIFORM,
        shape: tuple[int, int, int] | None = None,
    ) -> Tensor:
        """Noise levels times 1000; the shift of ``SHIFTED`` is the one rendering has at that size."""
        tokens = flow_matching.tokens_of(shape or self.latent_shape(1024, 1024))
        shift = flow_matching.sampling_shift(self._noise, tokens)
        return flow_matching.draw_timesteps(n, generator, levels, shift)


def pack(latents: Tensor) -> Tensor:
    """(n, c, h, w) to tokens (n, h/2 * w/2, 4c): two by two latents each, row by row."""
    n, channels, height, width = latents.shape
    blocks = latents.reshape(n, channels, height // 2, 2, width // 2, 2)
    return blocks.permute(0, 2, 4, 1, 3, 5).reshape(n, (height // 2) * (width // 2), channels * 4)


def unpack(tokens: Tensor, height: int, width: int) -> Tensor:
    """Tokens (n, h/2 * w/2, 4c) back to (n, c, h, w)."""
    n, _, channels = tokens.shape
    blocks = tokens.reshape(n, height // 2, width // 2, channels // 4, 2, 2)
    return blocks.permute(0, 3, 1, 4, 2, 5).reshape(n, channels // 4, height, width)


def places(rows: int, columns: int) -> Tensor:
    """(rows * columns, 3): 0, row and column of every token."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack([torch.zeros_like(row), row, column], dim=-1).reshape(-1, 3)
