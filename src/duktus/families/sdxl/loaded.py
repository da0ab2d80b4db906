"""An SDXL base or refiner in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from duktus.domain.base import Base
from duktus.domain.style import NoiseLevels
from duktus.domain.weighting import Chunk, chunks
from duktus.families import proof
from duktus.families.autoencoding import Autoencoder
from duktus.families.clip_words import weighed_rows, weighted_tokens
from duktus.families.folder_hash import read_json
from duktus.families.pretrained import DTYPES, load_network
from duktus.families.samplers import noise_scheduler
from duktus.families.sdxl.folder import layout_of, weights_of
from duktus.families.signal_schedule import SignalSchedule
from duktus.families.text_styles import TextStyles
from duktus.families.unet_attention import PlainAttention, time_once
from duktus.families.unet_targets import target_modules

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from duktus.domain.recipe import Sampler, Schedule
    from duktus.domain.style import Targets
    from duktus.families.family import Conditioning

CACHED_TEXTS = 256
"""About 160 MB at the width of SDXL."""
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


class LoadedSdxl:
    """See :class:`duktus.families.family.LoadedBase`."""

    def __init__(self, base: Base, *, device: str, dtype: str) -> None:
        self.base = base
        self.device = torch.device(device)
        self.dtype = DTYPES[dtype]
        self._layout = layout_of(base.folder)
        self._unet: Any = self._network(UNet2DConditionModel, "unet", self.dtype)
        self.denoiser: nn.Module = self._unet
        time_once(self._unet)
        # SDXL's autoencoder overflows in float16 (force_upcast in its own configuration).
        pictures = torch.float32 if self.dtype is torch.float16 else self.dtype
        self._pictures = Autoencoder(self._network(AutoencoderKL, "vae", pictures), self.device, pictures)
        self._encoders: list[tuple[Any, Any]] = self._text_encoders()
        self._noise = read_json(base.folder / "scheduler" / "scheduler_config.json")
        self._schedule = SignalSchedule(self._noise, base.name, self.device)
        self._encoded: dict[tuple[object, ...], SdxlConditioning] = {}
        encoders = zip(self._layout.tokenizers, self._encoders, strict=True)
        self.text_styles = TextStyles(
            "sdxl", base.name, {_encoder_of(name): encoder for name, (_, encoder) in encoders}
        )

    def _network(self, kind: Any, name: str, dtype: torch.dtype) -> Any:
        folder = self.base.folder
        variant = weights_of(folder, name).variant
        return load_network(kind, folder / name, variant=variant, dtype=dtype, device=self.device)

    def _text_encoders(self) -> list[tuple[Any, Any]]:
        """(tokenizer, encoder) pairs; the last one's projection is the pooled text."""
        kinds = {"tokenizer": CLIPTextModel, "tokenizer_2": CLIPTextModelWithProjection}
        return [
            (
                CLIPTokenizer.from_pretrained(self.base.folder / name, local_files_only=True),
                self._network(kinds[name], _encoder_of(name), self.dtype),
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

    def _encode(self, text: tuple[Chunk, ...]) -> SdxlConditioning:
        key = (text, self.text_styles.worn)
        known = self._encoded.get(key)
        if known is not None:
            return known
        if not self._encoders:
            raise RuntimeError("the text encoders were dropped")
        rows: list[Tensor] = []
        answer: Any = None
        for tokenizer, encoder in self._encoders:
            ids, weights = weighted_tokens(tokenizer, text)
            with torch.no_grad():
                answer = encoder(ids.to(self.device), output_hidden_states=True)
            row: Tensor = answer.hidden_states[-2]
            rows.append(row if weights is None else weighed_rows(row, weights.to(self.device)))
        made = SdxlConditioning(torch.cat(rows, dim=-1), answer.text_embeds)
        if len(self._encoded) >= CACHED_TEXTS:
            self._encoded.pop(next(iter(self._encoded)))
        self._encoded[key] = made
        return made

    def encode_pictures(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and deviation of the scaled latents of (n, 3, h, w) pixels, one at a time."""
        return self._pictures.encode(pixels)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [-1, 1], decoded picture by picture."""
        return self._pictures.decode(latents)

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, guidance: Tensor | None = None
    ) -> Tensor:
        """The U-Net's raw output; it is told that the picture has its own size and nothing was cut off."""
        assert isinstance(conditioning, SdxlConditioning)
        assert guidance is None
        told = {
            "text_embeds": conditioning.pooled.to(self.dtype),
            "time_ids": self._sizes(noisy).to(self.dtype),
        }
        words = conditioning.hidden.to(self.dtype)
        return self._unet(
            noisy.to(self.dtype),
            timesteps,
            encoder_hidden_states=words,
            added_cond_kwargs=told,
            return_dict=False,
        )[0]

    def _sizes(self, noisy: Tensor) -> Tensor:
        """(n, 6): original size, cut-off corner, target size; (n, 5) for a refiner, which takes a score."""
        height, width = (side * self._pictures.shrink for side in noisy.shape[-2:])
        end = [AESTHETIC_SCORE] if self._layout.refiner else [height, width]
        row = torch.tensor([height, width, 0, 0, *end], dtype=torch.float32, device=self.device)
        return row.repeat(noisy.shape[0], 1)

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The noisy latents at those timesteps."""
        return self._schedule.add_noise(latents, noise, timesteps)

    def training_target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The noise or the velocity, whichever this base predicts."""
        return self._schedule.training_target(latents, noise, timesteps)

    def loss_weight(self, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
        """Min-SNR weights; ones without a gamma."""
        return self._schedule.loss_weight(timesteps, min_snr_gamma)

    def sample_timesteps(
        self,
        n: int,
        generator: torch.Generator,
        levels: NoiseLevels = NoiseLevels.UNIFORM,
        shape: tuple[int, int, int] | None = None,  # noqa: ARG002 - the noise of this family has no size
    ) -> Tensor:
        """Uniform over the training timesteps."""
        return self._schedule.sample_timesteps(n, generator, levels)

    def probe_timesteps(self, n: int) -> Tensor:
        """The middles of ``n`` equal parts of the training timesteps, low to high noise."""
        return self._schedule.probe_timesteps(n)

    def noise_scheduler(
        self,
        sampler: Sampler,
        schedule: Schedule,
        shape: tuple[int, int, int] | None = None,  # noqa: ARG002 - the noise of this family has no size
    ) -> Any:
        """A fresh diffusers scheduler from this base's own configuration."""
        return noise_scheduler(self._noise, sampler, schedule)

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(channels, height, width) of the latents."""
        shrink = self._pictures.shrink
        return (self._unet.config["in_channels"], height // shrink, width // shrink)

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): weights and, last, the bias row; least squares over this base's decoder."""
        return self._pictures.latent_to_rgb()

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths, in the order of ``named_modules``."""
        return target_modules(self._unet, targets)

    def drop_encoders(self) -> None:
        """Free the text encoders and the autoencoder; the preview matrix is fitted before."""
        self._pictures.drop()
        self._encoders = []
        self.text_styles = TextStyles("sdxl", self.base.name, {})

    def proof_arithmetic(self) -> None:
        """Make every operation independent of what shares the batch."""
        self._unet.set_attn_processor(PlainAttention())
        proof.hold_bits(self._unet)


def _encoder_of(tokenizer: str) -> str:
    """The folder of a tokenizer's encoder."""
    return tokenizer.replace("tokenizer", "text_encoder")


def _joined(rows: Sequence[SdxlConditioning]) -> SdxlConditioning:
    return SdxlConditioning(torch.cat([row.hidden for row in rows]), torch.cat([row.pooled for row in rows]))
