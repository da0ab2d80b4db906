"""A Stable Diffusion 1.x base in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import NoiseLevels
from duktus.domain.weighting import Chunk, chunks
from duktus.families import proof
from duktus.families.folder_hash import read_json
from duktus.families.samplers import noise_scheduler
from duktus.families.sd15.attention import PlainAttention, time_once
from duktus.families.sd15.folder import weights_of
from duktus.families.sd15.modules import target_modules
from duktus.families.sd15.words import weighed_rows, weighted_tokens

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from duktus.domain.recipe import Sampler, Schedule
    from duktus.domain.style import Targets
    from duktus.families.family import Conditioning

CACHED_TEXTS = 512
"""About 120 MB at the width of Stable Diffusion 1.5."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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
        self._vae: Any = self._network(AutoencoderKL, "vae")
        self._text: Any = self._network(CLIPTextModel, "text_encoder")
        self._tokenizer = CLIPTokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True)
        self._noise = read_json(base.folder / "scheduler" / "scheduler_config.json")
        self._prediction: str = self._noise.get("prediction_type", "epsilon")
        if self._prediction not in ("epsilon", "v_prediction"):
            raise InputError(f"{base.name} predicts {self._prediction!r}, which this family does not know.")
        schedule: Any = DDPMScheduler.from_config(
            {
                key: value
                for key, value in self._noise.items()
                if "beta" in key or key == "num_train_timesteps"
            }
        )
        self._signal: Tensor = schedule.alphas_cumprod.to(self.device)
        self._factor: float = self._vae.config.scaling_factor
        self._shift: float = self._vae.config.shift_factor or 0.0
        self._shrink = 2 ** (len(self._vae.config.block_out_channels) - 1)
        self._latent_to_rgb: Tensor | None = None
        self._encoded: dict[tuple[Chunk, ...], Tensor] = {}

    def _network(self, kind: Any, name: str) -> Any:
        variant = weights_of(self.base.folder, name).variant
        kwargs: dict[str, Any] = {"variant": variant} if variant else {}
        kwargs["torch_dtype" if kind is not CLIPTextModel else "dtype"] = self.dtype
        bars = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()
        network: Any
        try:
            network = kind.from_pretrained(
                self.base.folder / name, local_files_only=True, use_safetensors=True, **kwargs
            )
        finally:
            if bars:
                transformers_logging.enable_progress_bar()
        return network.to(self.device).eval().requires_grad_(requires_grad=False)

    def encode_text(self, texts: Sequence[str]) -> Sd15Conditioning:
        """One row per text, each encoded alone at (1, 77): what shares the call never changes it.

        A text of more than 77 tokens is cut, as every program of this family without chunking does.
        """
        return Sd15Conditioning(torch.cat([self._encode(((text, 1.0),)) for text in texts]))

    def encode_weighted(self, texts: Sequence[str]) -> Sd15Conditioning:
        """As ``encode_text``, with the brackets read (:mod:`duktus.domain.weighting`)."""
        return Sd15Conditioning(torch.cat([self._encode(chunks(text)) for text in texts]))

    def _encode(self, text: tuple[Chunk, ...]) -> Tensor:
        known = self._encoded.get(text)
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
        self._encoded[text] = row
        return row

    def encode_pictures(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and deviation of the scaled latents of (n, 3, h, w) pixels, one at a time."""
        means: list[Tensor] = []
        deviations: list[Tensor] = []
        with torch.no_grad():
            for picture in pixels.to(self.device, self.dtype).split(1):
                posterior = self._vae.encode(picture).latent_dist
                means.append((posterior.mean.float() - self._shift) * self._factor)
                deviations.append(posterior.std.float() * self._factor)
        return torch.cat(means), torch.cat(deviations)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [-1, 1], decoded picture by picture."""
        with torch.no_grad():
            rows = [
                self._vae.decode(row.to(self.dtype) / self._factor + self._shift).sample.float()
                for row in latents.split(1)
            ]
        return torch.cat(rows).clamp(-1, 1)

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, guidance: Tensor | None = None
    ) -> Tensor:
        """The U-Net's raw output; ``timesteps`` (n,), or (1,) for all pictures alike."""
        assert isinstance(conditioning, Sd15Conditioning)
        assert guidance is None
        words = conditioning.hidden.to(self.dtype)
        return self._unet(noisy.to(self.dtype), timesteps, encoder_hidden_states=words, return_dict=False)[0]

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """``sqrt(a) x + sqrt(1 - a) n`` with the cumulative signal ``a`` of each timestep."""
        signal = self._at(timesteps, latents)
        return signal.sqrt() * latents + (1 - signal).sqrt() * noise

    def training_target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The noise, or the velocity ``sqrt(a) n - sqrt(1 - a) x`` (arXiv 2202.00512)."""
        if self._prediction == "epsilon":
            return noise
        signal = self._at(timesteps, latents)
        return signal.sqrt() * noise - (1 - signal).sqrt() * latents

    def loss_weight(self, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
        """Min-SNR weights (arXiv 2303.09556), in the form for what this base predicts; else ones."""
        if min_snr_gamma is None:
            return torch.ones(timesteps.shape, device=self.device)
        signal = self._signal[timesteps.to(self.device)]
        ratio = signal / (1 - signal)
        below = ratio if self._prediction == "epsilon" else ratio + 1
        return ratio.clamp(max=min_snr_gamma) / below.clamp(min=1e-8)

    def sample_timesteps(
        self,
        n: int,
        generator: torch.Generator,
        levels: NoiseLevels = NoiseLevels.UNIFORM,
        shape: tuple[int, int, int] | None = None,  # noqa: ARG002 - the noise of this family has no size
    ) -> Tensor:
        """Uniform over the training timesteps."""
        if levels is not NoiseLevels.UNIFORM:
            raise InputError(
                f"{self.base.name} cannot be taught with {levels.value} noise levels.",
                "Only flow-matching bases can.",
                "Leave them uniform.",
            )
        return torch.randint(0, len(self._signal), (n,), generator=generator)

    def probe_timesteps(self, n: int) -> Tensor:
        """The middles of ``n`` equal parts of the training timesteps, low to high noise."""
        return ((torch.arange(n) + 0.5) * len(self._signal) / n).long()

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
        return (self._unet.config["in_channels"], height // self._shrink, width // self._shrink)

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): weights and, last, the bias row; least squares over this base's decoder."""
        if self._latent_to_rgb is None:
            self._latent_to_rgb = _fit_preview(self)
        return self._latent_to_rgb

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths, in the order of ``named_modules``."""
        return target_modules(self._unet, targets)

    def drop_encoders(self) -> None:
        """Free the text encoder and the autoencoder; the preview matrix is fitted before."""
        self.latent_to_rgb()
        self._text = None
        self._vae = None

    def proof_arithmetic(self) -> None:
        """Make every operation independent of what shares the batch."""
        self._unet.set_attn_processor(PlainAttention())
        proof.hold_bits(self._unet)

    def _at(self, timesteps: Tensor, like: Tensor) -> Tensor:
        return self._signal[timesteps.to(self.device)].to(like.dtype).view(-1, 1, 1, 1)


def _fit_preview(base: LoadedSd15) -> Tensor:
    """Decode smooth random latents and solve for colour = [latent, 1] @ matrix."""
    channels, *_ = base.latent_shape(64, 64)
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(16, channels, 2, 2, generator=generator)
    latents = torch.nn.functional.interpolate(coarse, size=(8, 8), mode="bilinear")
    latents = latents + 0.3 * torch.randn(latents.shape, generator=generator)
    pixels = base.decode(latents.to(base.device))
    small = torch.nn.functional.adaptive_avg_pool2d(pixels, (8, 8)).cpu().float()
    known = latents.permute(0, 2, 3, 1).reshape(-1, channels)
    known = torch.cat([known, torch.ones(len(known), 1)], dim=1)
    colours = small.permute(0, 2, 3, 1).reshape(-1, 3)
    return torch.linalg.lstsq(known, colours).solution
