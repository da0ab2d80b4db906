"""A FLUX.1 base in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.base import Base
from duktus.domain.style import NoiseLevels
from duktus.families import flow_matching
from duktus.families.autoencoding import Autoencoder
from duktus.families.flow_samplers import FlowScheduler, flow_scheduler
from duktus.families.flux.folder import few_steps, weights_of
from duktus.families.flux.targets import PATTERNS
from duktus.families.flux.words import FluxConditioning, FluxWords
from duktus.families.folder_hash import read_json
from duktus.families.linear_targets import target_modules
from duktus.families.picture_by_picture import in_parts
from duktus.families.pretrained import DTYPES, load_network

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKL, FluxTransformer2DModel
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from duktus.domain.recipe import Sampler, Schedule
    from duktus.domain.style import Targets
    from duktus.families.family import Conditioning

T5_TOKENS, T5_TOKENS_FEW_STEPS = 512, 256
"""How much text dev and schnell read (black-forest-labs/flux, ``src/flux/util.py``, ``load_t5``)."""
TEACH_GUIDANCE = 1.0
"""What a guidance-distilled base is told while it is taught: then the plain velocity is the right answer
(kohya-ss/sd-scripts, docs/flux_train_network.md, ``--guidance_scale=1.0``)."""


class LoadedFlux:
    """See :class:`duktus.families.family.LoadedBase`."""

    def __init__(self, base: Base, *, device: str, dtype: str) -> None:
        self.base = base
        self.device = torch.device(device)
        self.dtype = DTYPES[dtype]
        self._transformer: Any = self._network(FluxTransformer2DModel, "transformer")
        self.denoiser: nn.Module = self._transformer
        self._guided = bool(self._transformer.config.guidance_embeds)
        self._pictures = Autoencoder(self._network(AutoencoderKL, "vae"), self.device, self.dtype)
        self._words = self._text_encoders()
        self._noise = read_json(base.folder / "scheduler" / "scheduler_config.json")
        self._alone = False

    def _network(self, kind: Any, name: str, dtype: torch.dtype | None = None) -> Any:
        variant = weights_of(self.base.folder, name).variant
        folder = self.base.folder / name
        return load_network(kind, folder, variant=variant, dtype=dtype or self.dtype, device=self.device)

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

    def encode_pictures(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and deviation of the scaled latents of (n, 3, h, w) pixels, one at a time."""
        return self._pictures.encode(pixels)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [-1, 1], decoded picture by picture."""
        return self._pictures.decode(latents)

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

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """A point on the straight path from the picture to the noise."""
        return flow_matching.add_noise(latents, noise, timesteps)

    def training_target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:  # noqa: ARG002
        """The velocity, the same all along the path."""
        return flow_matching.velocity(latents, noise)

    def loss_weight(self, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
        """Ones: a velocity counts alike everywhere."""
        return flow_matching.even_weights(timesteps, min_snr_gamma, self.base.name)

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

    def probe_timesteps(self, n: int) -> Tensor:
        """The middles of ``n`` equal parts of the noise levels, low to high noise."""
        return flow_matching.probe_timesteps(n)

    def noise_scheduler(
        self, sampler: Sampler, schedule: Schedule, shape: tuple[int, int, int] | None = None
    ) -> FlowScheduler:
        """A fresh sampler on this base's own noise levels at that size (without one: 1024 x 1024 pixels)."""
        return flow_scheduler(self._noise, sampler, schedule, shape or self.latent_shape(1024, 1024))

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(channels, height, width) of the latents; four of them make one token."""
        shrink = self._pictures.shrink
        return (self._transformer.config.in_channels // 4, height // shrink, width // shrink)

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): weights and, last, the bias row; least squares over this base's decoder."""
        return self._pictures.latent_to_rgb()

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths, in the order of ``named_modules``."""
        return target_modules(self._transformer, targets, PATTERNS)

    def drop_encoders(self) -> None:
        """Free the text encoders and the autoencoder; the preview matrix is fitted before."""
        self._pictures.drop()
        self._words.drop()

    def proof_arithmetic(self) -> None:
        """From now on each picture is computed alone, whatever shares the batch."""
        self._alone = True


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
