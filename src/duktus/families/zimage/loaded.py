"""A Z-Image base in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.base import Base
from duktus.domain.style import NoiseLevels
from duktus.families import flow_matching
from duktus.families.autoencoding import Autoencoder
from duktus.families.flow_matching import SCALE
from duktus.families.flow_samplers import FlowScheduler, flow_scheduler
from duktus.families.folder_hash import read_json
from duktus.families.linear_targets import target_modules
from duktus.families.picture_by_picture import in_parts
from duktus.families.pretrained import DTYPES, load_network
from duktus.families.zimage.folder import weights_of
from duktus.families.zimage.targets import PATTERNS
from duktus.families.zimage.words import ZImageConditioning, ZImageWords

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from transformers import Qwen2Tokenizer, Qwen3Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from duktus.domain.recipe import Sampler, Schedule
    from duktus.domain.style import Targets
    from duktus.families.family import Conditioning

TEACH_SHIFT = 2.0
"""Of the noise levels while teaching (kohya-ss/musubi-tuner, docs/zimage.md, ``--discrete_flow_shift``)."""


class LoadedZImage:
    """See :class:`duktus.families.family.LoadedBase`."""

    def __init__(self, base: Base, *, device: str, dtype: str) -> None:
        self.base = base
        self.device = torch.device(device)
        self.dtype = DTYPES[dtype]
        self._transformer: Any = self._network(ZImageTransformer2DModel, "transformer")
        self.denoiser: nn.Module = self._transformer
        self._pictures = Autoencoder(self._network(AutoencoderKL, "vae"), self.device, self.dtype)
        tokenizer: Any = Qwen2Tokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True)
        self._words = ZImageWords(self._network(Qwen3Model, "text_encoder"), tokenizer)
        self._noise = read_json(base.folder / "scheduler" / "scheduler_config.json")
        self._alone = False

    def _network(self, kind: Any, name: str) -> Any:
        variant = weights_of(self.base.folder, name).variant
        folder = self.base.folder / name
        return load_network(kind, folder, variant=variant, dtype=self.dtype, device=self.device)

    def encode_text(self, texts: Sequence[str]) -> ZImageConditioning:
        """One row per text, each encoded alone: what shares the call never changes it."""
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
        """The velocity; ``timesteps`` (n,), or (1,) for all. Texts of unlike length are computed apart."""
        assert isinstance(conditioning, ZImageConditioning)
        assert guidance is None
        n = len(noisy)
        pictures = noisy.to(self.dtype).unsqueeze(2)  # one frame
        times = (SCALE - timesteps.to(self.device).expand(n)) / SCALE

        def compute(index: Tensor) -> Tensor:
            text = conditioning.rows(index.tolist())
            answers = self._transformer(
                [*pictures[index]],
                times[index],
                [row.to(self.dtype) for row in text.hidden],
                return_dict=False,
            )[0]
            return -torch.stack(answers).squeeze(2)  # it answers from noise to picture

        return in_parts(self._parts(conditioning), compute)

    def _parts(self, conditioning: ZImageConditioning) -> Sequence[Sequence[int]]:
        """Places that may be computed together: no text is padded to the length of its neighbour."""
        if self._alone:
            return [[place] for place in range(len(conditioning.hidden))]
        alike: dict[int, list[int]] = {}
        for place, row in enumerate(conditioning.hidden):
            alike.setdefault(len(row), []).append(place)
        return [*alike.values()]

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
        shape: tuple[int, int, int] | None = None,  # noqa: ARG002 - this family shifts alike at every size
    ) -> Tensor:
        """Noise levels times 1000."""
        return flow_matching.draw_timesteps(n, generator, levels, TEACH_SHIFT)

    def probe_timesteps(self, n: int) -> Tensor:
        """The middles of ``n`` equal parts of the noise levels, low to high noise."""
        return flow_matching.probe_timesteps(n)

    def noise_scheduler(
        self, sampler: Sampler, schedule: Schedule, shape: tuple[int, int, int] | None = None
    ) -> FlowScheduler:
        """A fresh sampler on this base's own noise levels at that size (without one: 1024 x 1024 pixels)."""
        return flow_scheduler(self._noise, sampler, schedule, shape or self.latent_shape(1024, 1024))

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(channels, height, width) of the latents."""
        shrink = self._pictures.shrink
        return (self._transformer.config.in_channels, height // shrink, width // shrink)

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): weights and, last, the bias row; least squares over this base's decoder."""
        return self._pictures.latent_to_rgb()

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths, in the order of ``named_modules``."""
        return target_modules(self._transformer, targets, PATTERNS)

    def drop_encoders(self) -> None:
        """Free the text encoder and the autoencoder; the preview matrix is fitted before."""
        self._pictures.drop()
        self._words.drop()

    def proof_arithmetic(self) -> None:
        """From now on each picture is computed alone, whatever shares the batch."""
        self._alone = True
