"""A Stable Diffusion 1.x base in memory."""

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
from duktus.families.sd15.folder import weights_of
from duktus.families.signal_schedule import SignalSchedule
from duktus.families.text_styles import TextStyles
from duktus.families.unet_attention import PlainAttention, time_once
from duktus.families.unet_targets import target_modules

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from duktus.domain.recipe import Sampler, Schedule
    from duktus.domain.style import Targets
    from duktus.families.control import Residuals
    from duktus.families.family import Conditioning

CACHED_TEXTS = 512
"""About 120 MB at the width of Stable Diffusion 1.5."""


@dataclass(frozen=True, slots=True)
class Sd15Conditioning:
    """The text encoder's last hidden states, (n, 77, width)."""

    hidden: Tensor

    def rows(self, index: Sequence[int]) -> Sd15Conditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        return Sd15Conditioning(self.hidden[torch.as_tensor(index, device=self.hidden.device)])


class LoadedSd15:
    """See :class:`duktus.families.family.LoadedBase`."""

    def __init__(self, base: Base, *, device: str, dtype: str) -> None:
        self.base = base
        self.device = torch.device(device)
        self.dtype = DTYPES[dtype]
        self._unet: Any = self._network(UNet2DConditionModel, "unet")
        self.denoiser: nn.Module = self._unet
        time_once(self._unet)
        self._pictures = Autoencoder(self._network(AutoencoderKL, "vae"), self.device, self.dtype)
        self._text: Any = self._network(CLIPTextModel, "text_encoder")
        self._tokenizer = CLIPTokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True)
        self._noise = read_json(base.folder / "scheduler" / "scheduler_config.json")
        self._schedule = SignalSchedule(self._noise, base.name, self.device)
        self._encoded: dict[tuple[object, ...], Tensor] = {}
        self.text_styles = TextStyles("sd15", base.name, {"text_encoder": self._text})

    def _network(self, kind: Any, name: str) -> Any:
        variant = weights_of(self.base.folder, name).variant
        folder = self.base.folder / name
        return load_network(kind, folder, variant=variant, dtype=self.dtype, device=self.device)

    def encode_text(self, texts: Sequence[str]) -> Sd15Conditioning:
        """One row per text, each encoded alone at (1, 77): what shares the call never changes it.

        A text of more than 77 tokens is cut, as every program of this family without chunking does.
        """
        return Sd15Conditioning(torch.cat([self._encode(((text, 1.0),)) for text in texts]))

    def encode_weighted(self, texts: Sequence[str]) -> Sd15Conditioning:
        """As ``encode_text``, with the brackets read (:mod:`duktus.domain.weighting`)."""
        return Sd15Conditioning(torch.cat([self._encode(chunks(text)) for text in texts]))

    def _encode(self, text: tuple[Chunk, ...]) -> Tensor:
        key = (text, self.text_styles.worn)
        known = self._encoded.get(key)
        if known is not None:
            return known
        if self._text is None:
            raise RuntimeError("the text encoder was dropped")
        ids, weights = weighted_tokens(self._tokenizer, text)
        with torch.no_grad():
            row: Tensor = self._text(ids.to(self.device))[0]
        if weights is not None:
            row = weighed_rows(row, weights.to(self.device))
        if len(self._encoded) >= CACHED_TEXTS:
            self._encoded.pop(next(iter(self._encoded)))
        self._encoded[key] = row
        return row

    def encode_pictures(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and deviation of the scaled latents of (n, 3, h, w) pixels, one at a time."""
        return self._pictures.encode(pixels)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [-1, 1], decoded picture by picture."""
        return self._pictures.decode(latents)

    def predict(
        self,
        noisy: Tensor,
        timesteps: Tensor,
        conditioning: Conditioning,
        guidance: Tensor | None = None,
        *,
        residuals: Residuals | None = None,
    ) -> Tensor:
        """The U-Net's raw output; ``timesteps`` (n,), or (1,) for all pictures alike.

        ``residuals`` of control networks are added to the skip connections and the middle.
        """
        assert isinstance(conditioning, Sd15Conditioning)
        assert guidance is None
        words = conditioning.hidden.to(self.dtype)
        extra: dict[str, Any] = {}
        if residuals is not None:
            extra["down_block_additional_residuals"] = residuals.down
            extra["mid_block_additional_residual"] = residuals.middle
        noisy = noisy.to(self.dtype)
        return self._unet(noisy, timesteps, encoder_hidden_states=words, return_dict=False, **extra)[0]

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
        return (
            self._unet.config["in_channels"],
            height // self._pictures.shrink,
            width // self._pictures.shrink,
        )

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): weights and, last, the bias row; least squares over this base's decoder."""
        return self._pictures.latent_to_rgb()

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths, in the order of ``named_modules``."""
        return target_modules(self._unet, targets)

    def drop_encoders(self) -> None:
        """Free the text encoder and the autoencoder; the preview matrix is fitted before."""
        self._pictures.drop()
        self._text = None
        self.text_styles = TextStyles("sd15", self.base.name, {})

    def proof_arithmetic(self) -> None:
        """Make every operation independent of what shares the batch."""
        self._unet.set_attn_processor(PlainAttention())
        proof.hold_bits(self._unet)
        self._pictures.hold_bits()
