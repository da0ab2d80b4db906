"""A FLUX.2 [klein] base in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.base import Base
from duktus.domain.style import NoiseLevels
from duktus.families.autoencoding import Autoencoder
from duktus.families.flow import flow_matching
from duktus.families.flow.base import FlowBase
from duktus.families.flux2.autoencoder import PatchedAutoencoder
from duktus.families.flux2.targets import PATTERNS
from duktus.families.flux2.words import Flux2Conditioning, Flux2Words
from duktus.families.holding import Holding
from duktus.families.picture_by_picture import in_parts

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKLFlux2, Flux2Transformer2DModel
from transformers import Qwen2Tokenizer, Qwen3Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from duktus.families.family import Conditioning


class LoadedFlux2(FlowBase):
    """See :class:`duktus.families.family.LoadedBase`. Every place of its latents is a token."""

    patterns = PATTERNS
    latents_per_token = 1

    def __init__(self, base: Base, *, device: str, dtype: str, holding: Holding) -> None:
        super().__init__(base, Flux2Transformer2DModel, device=device, dtype=dtype, holding=holding)
        tokenizer: Any = Qwen2Tokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True)
        self._words: Flux2Words = Flux2Words(self._network(Qwen3Model, "text_encoder"), tokenizer)

    def _own_autoencoder(self) -> Autoencoder:
        return self._autoencoder(AutoencoderKLFlux2, scaling=PatchedAutoencoder)

    def encode_text(self, texts: Sequence[str]) -> Flux2Conditioning:
        """One row per text, each encoded alone at fixed length: what shares the call never changes it."""
        return self._words.encode(texts)

    def _drop_text_encoders(self) -> None:
        self._words.drop()

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, guidance: Tensor | None = None
    ) -> Tensor:
        """The velocity; ``timesteps`` (n,), or (1,) for all."""
        assert isinstance(conditioning, Flux2Conditioning)
        assert guidance is None
        n, _, height, width = noisy.shape
        tokens = noisy.to(self.dtype).flatten(2).transpose(1, 2)
        times = timesteps.to(self.device).expand(n).to(self.dtype) / flow_matching.SCALE

        def compute(index: Tensor) -> Tensor:
            text = conditioning.rows(index)
            return self._transformer(
                hidden_states=tokens[index],
                timestep=times[index],
                guidance=None,
                encoder_hidden_states=text.hidden.to(self.dtype),
                txt_ids=places(1, 1, text.hidden.shape[1]).to(self.device),
                img_ids=places(height, width, 1).to(self.device),
                return_dict=False,
            )[0]

        parts = [[place] for place in range(n)] if self._alone else [range(n)]
        return in_parts(parts, compute).transpose(1, 2).unflatten(2, (height, width))

    def sample_timesteps(
        self,
        n: int,
        generator: torch.Generator,
        levels: NoiseLevels = NoiseLevels.UNIFORM,
        shape: tuple[int, int, int] | None = None,
    ) -> Tensor:
        """Noise levels times 1000. The shift of ``SHIFTED`` grows with the size, linear in the tokens
        (kohya-ss/musubi-tuner, ``--timestep_sampling flux2_shift``); rendering shifts further.
        """
        tokens = tokens_of(shape or self.latent_shape(1024, 1024))
        shift = flow_matching.sampling_shift(self._noise, tokens)
        return flow_matching.draw_timesteps(n, generator, levels, shift)

    def shift_exponent(self, shape: tuple[int, int, int], steps: int) -> float:
        """How far rendering of that size in that many steps moves its noise levels."""
        return size_and_steps_shift(tokens_of(shape), steps)


def tokens_of(shape: tuple[int, int, int]) -> int:
    """How many tokens latents of that shape (channels, height, width) become."""
    return shape[1] * shape[2]


def size_and_steps_shift(tokens: int, steps: int) -> float:
    """The exponent ``mu`` of the shift: between a line for 10 steps and one for 200, and beyond 4300 tokens
    the second alone (black-forest-labs/flux2, ``compute_empirical_mu``; in diffusers'
    ``pipelines/flux2/pipeline_flux2.py``).
    """
    at_10 = 8.73809524e-05 * tokens + 1.89833333
    at_200 = 0.00016927 * tokens + 0.45666666
    if tokens > 4300:
        return at_200
    return at_200 + (at_200 - at_10) * (steps - 200) / 190


def places(rows: int, columns: int, words: int) -> Tensor:
    """(rows * columns * words, 4): 0, row, column and number in the text of every token."""
    axes = (torch.arange(one) for one in (1, rows, columns, words))
    return torch.cartesian_prod(*axes)
