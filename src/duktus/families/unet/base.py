"""What every base with a U-Net does alike: noise at discrete timesteps, diffusers' samplers, styled texts."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import torch

from duktus.domain.base import Base
from duktus.domain.style import NoiseLevels
from duktus.domain.weighting import Chunk, chunks
from duktus.families import proof
from duktus.families.folder_base import FolderBase
from duktus.families.holding import Holding
from duktus.families.learned_words import LearnedWords, Worn
from duktus.families.samplers import noise_scheduler
from duktus.families.text_styles import TextStyles
from duktus.families.unet.attention import PlainAttention, as_arguments, time_once
from duktus.families.unet.inpainting import takes_a_mask
from duktus.families.unet.signal_schedule import SignalSchedule
from duktus.families.unet.targets import PATTERNS, target_modules

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from diffusers import AutoencoderKL, UNet2DConditionModel

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from duktus.domain.recipe import Sampler, Schedule
    from duktus.domain.style import Targets
    from duktus.families.control import Residuals
    from duktus.families.family import Conditioning

Encoded = TypeVar("Encoded")


@dataclass(frozen=True, slots=True)
class Within:
    """A conditioning with what pictures are painted into, (n, 1 + c, h, w), not doubled for cfg."""

    words: Conditioning
    seen: Tensor

    def rows(self, index: Sequence[int]) -> Conditioning:
        """Those of the pictures at ``index``, repeats allowed."""
        places = torch.as_tensor(index, device=self.seen.device)
        return Within(self.words.rows(index), self.seen[places])

    def beside(self, noisy: Tensor) -> Tensor:
        """The (possibly doubled) noisy latents with what the U-Net sees beside them."""
        return torch.cat([noisy, torch.cat([self.seen] * (len(noisy) // len(self.seen)))], dim=1)


class UnetBase(FolderBase, Generic[Encoded]):
    """U-Net, autoencoder and noise levels; texts are the family's own, and become an ``Encoded`` each."""

    remembers: ClassVar[int]
    """How many encoded texts are kept."""
    patterns: ClassVar[Mapping[Targets, Sequence[re.Pattern[str]]]] = PATTERNS
    """Which modules each of the targets names."""
    text_styles: TextStyles
    """What the text encoders wear."""
    learned_words: LearnedWords
    """What words stand for in them beside their vocabulary."""

    def __init__(
        self,
        base: Base,
        *,
        device: str,
        dtype: str,
        holding: Holding,
        pictures: torch.dtype | None = None,
    ) -> None:
        """``pictures``: the autoencoder's dtype, where it cannot do with the base's."""
        super().__init__(base, device=device, dtype=dtype, holding=holding)
        self._unet: Any = self._denoiser(UNet2DConditionModel, "unet")
        self.denoiser: nn.Module = self._unet
        self._unet.set_attn_processor(PlainAttention())
        time_once(self._unet)
        self._pictures = self._autoencoder(AutoencoderKL, pictures)
        self._schedule = SignalSchedule(self._noise, base.name, self.device)
        self._encoded: OrderedDict[Hashable, Encoded] = OrderedDict()
        self.learned_words = LearnedWords()
        self._layer: int | None = None

    @contextmanager
    def reading_at(self, layer: int) -> Generator[None]:
        """While it lasts texts are read at that layer of the text encoders, counted from the last, which is 1
        (:mod:`duktus.families.clip_layers`).
        """
        self._layer = layer
        try:
            yield
        finally:
            self._layer = None

    def _remembered(self, text: Hashable, encode: Callable[[], Encoded]) -> Encoded:
        """What ``text`` became while the encoders wear and know what they do now."""
        key = (text, self.text_styles.worn, self.learned_words.worn, self._layer)
        known = self._encoded.get(key)
        if known is None:
            known = encode()
            if len(self._encoded) >= self.remembers:
                self._encoded.popitem(last=False)
            self._encoded[key] = known
        return known

    def _spoken(self, texts: Sequence[tuple[str, tuple[Worn, ...]]], *, weighted: bool) -> list[Encoded]:
        """Each text with its own learned words."""
        found: list[Encoded] = []
        for text, worn in texts:
            with self.learned_words.saying(worn):
                found.append(self._encode(chunks(text) if weighted else ((text, 1.0),)))
        return found

    def _encode(self, text: tuple[Chunk, ...]) -> Encoded:
        """A text in this family's own way, remembered."""
        raise NotImplementedError

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

        ``residuals`` of control networks are added to its skip connections, its middle and its blocks.
        """
        assert guidance is None
        extra = {} if residuals is None else as_arguments(residuals)
        noisy = noisy.to(self.dtype)
        beside = self.beside(noisy, conditioning)
        if isinstance(conditioning, Within):
            noisy = conditioning.beside(noisy)
        return self._unet(noisy, timesteps, return_dict=False, **beside, **extra)[0]

    def beside(self, noisy: Tensor, conditioning: Conditioning) -> dict[str, Any]:
        """What the U-Net, and a network like it, takes beside noisy latents and timesteps."""
        words = conditioning.words if isinstance(conditioning, Within) else conditioning
        return self._told(noisy, words)

    def _told(self, noisy: Tensor, conditioning: Conditioning) -> dict[str, Any]:
        """The same from a conditioning of this family."""
        raise NotImplementedError

    @property
    def inpaints(self) -> bool:
        """Whether the U-Net also takes a mask and what the mask leaves."""
        return takes_a_mask(self._unet.config, {"latent_channels": self._pictures.channels})

    def within(self, conditioning: Conditioning, opened: Tensor, left: Tensor) -> Conditioning:
        """The conditioning with the mask (n, 1, h, w) and the latents (n, c, h, w) of what it leaves."""
        return Within(conditioning, torch.cat([opened.to(left.dtype), left], dim=1).to(self.dtype))

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
        shape: tuple[int, int, int] | None = None,  # noqa: ARG002 - this noise has no size
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
        shape: tuple[int, int, int] | None = None,  # noqa: ARG002 - this noise has no size
    ) -> Any:
        """A fresh diffusers scheduler from this base's own configuration."""
        return noise_scheduler(self._noise, sampler, schedule)

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(channels, height, width) of the latents."""
        shrink = self._pictures.shrink
        return (self._pictures.channels, height // shrink, width // shrink)

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths, in the order of ``named_modules``."""
        return target_modules(self._unet, targets, self.patterns)

    def proof_arithmetic(self) -> None:
        """Make every operation independent of what shares the batch, also in the autoencoder."""
        self._compute(proof.Held)

    def draft_arithmetic(self) -> None:
        """Take the same fast ways without making sure of the bits."""
        self._compute(proof.Together)

    def _compute(self, how: type[proof.Held]) -> None:
        self._unet.set_attn_processor(PlainAttention(how))
        proof.hold_bits(self._unet, how)
        self._pictures.hold_bits(how)
