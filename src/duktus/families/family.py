"""The contract every family of base models keeps.

A *family* recognises its folders without torch (:class:`Family`) and loads them into a
:class:`LoadedBase`, which training and rendering use without knowing the architecture.
Shapes are written as (pictures, channels, height, width); latents are *scaled* latents, the ones the
denoiser sees. Pixels are float32 in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from duktus.domain.style import NoiseLevels
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.holding import STOCK, Holding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from duktus.domain.base import Base, Role
    from duktus.domain.recipe import Recipe, Sampler, Schedule
    from duktus.domain.style import Targets
    from duktus.domain.weighting import Weighting
    from duktus.families.clip_layers import ClipLayers
    from duktus.families.learned_words import LearnedWords, Vectors, Worn
    from duktus.families.safetensors_header import Header
    from duktus.families.single_file import SingleFile
    from duktus.families.text_styles import TextStyles
    from duktus.families.word_layout import WordLayout


@dataclass(frozen=True, slots=True)
class TeachDefaults:
    """A family's (or base's) starting values for about ten pictures, each measured or cited."""

    steps: int
    learning_rate: float
    batch: int
    resolution: int
    targets: Targets
    source: str
    """Where the values come from."""
    min_snr_gamma: float | None = 5.0
    """None: every timestep counts alike."""
    noise_levels: NoiseLevels = NoiseLevels.UNIFORM


@dataclass(frozen=True, slots=True)
class WordDefaults:
    """A family's (or base's) starting values for textual inversion, each measured or cited."""

    steps: int
    learning_rate: float
    vectors: int
    init_word: str
    source: str


class Conditioning(Protocol):
    """What text became, for a batch of pictures; opaque to everyone but its family."""

    def rows(self, index: Sequence[int]) -> Conditioning:
        """The conditioning of the pictures at ``index``, repeats allowed."""
        ...


class LoadedBase(Protocol):
    """A base in memory. Encoders may be dropped with :meth:`drop_encoders` once their work is cached."""

    base: Base
    device: torch.device
    dtype: torch.dtype
    denoiser: nn.Module
    """The network that a style is taught on; its ``named_modules`` are the true module paths."""
    encoder_bytes: int
    """What text encoders and autoencoder take, until they are dropped."""

    @property
    def denoiser_bytes(self) -> int:
        """What the denoiser's weights take on the device, as they are held."""
        ...

    def encode_text(self, texts: Sequence[str]) -> Conditioning:
        """One row per text, each encoded alone at fixed shape, so that caching keeps the bits."""
        ...

    def encode_pictures(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and deviation of the scaled latents of (n, 3, h, w) pixels."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [-1, 1]; in proof arithmetic with the bits of each decoded alone."""
        ...

    def predict(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, guidance: Tensor | None = None
    ) -> Tensor:
        """The denoiser's raw output for noisy latents at per-picture timesteps (n,), or (1,) for all.

        ``guidance`` (n,) is an input of guidance-distilled networks and of no other; teaching gives none.
        """
        ...

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The noisy latents that training shows the denoiser."""
        ...

    def training_target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the denoiser should have answered (epsilon, v, or velocity)."""
        ...

    def loss_weight(self, timesteps: Tensor, min_snr_gamma: float | None) -> Tensor:
        """Weight (n,) of each picture's squared error."""
        ...

    def sample_timesteps(
        self,
        n: int,
        generator: torch.Generator,
        levels: NoiseLevels = NoiseLevels.UNIFORM,
        shape: tuple[int, int, int] | None = None,
    ) -> Tensor:
        """``n`` training timesteps, drawn on the CPU: int64, or float32 where the family's time flows.

        ``shape`` is that of the latents, for families that shift their noise levels with the size.
        :class:`InputError` for levels that the family does not know.
        """
        ...

    def probe_timesteps(self, n: int) -> Tensor:
        """``n`` fixed timesteps, low to high noise, for held-out losses."""
        ...

    def noise_scheduler(
        self, sampler: Sampler, schedule: Schedule, shape: tuple[int, int, int] | None = None
    ) -> Any:
        """A fresh diffusers scheduler for rendering; :class:`InputError` when the family lacks it.

        ``shape`` is that of the latents, for families whose noise levels depend on the size.
        """
        ...

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(channels, height, width) of the latents of a picture of that size in pixels."""
        ...

    def latent_to_rgb(self) -> Tensor:
        """(channels + 1, 3): colour weights and, last, a bias row; a cheap preview of latents."""
        ...

    def target_modules(self, targets: Targets) -> Sequence[str]:
        """True paths of the denoiser's modules that a style with these targets changes."""
        ...

    def drop_encoders(self) -> None:
        """Free text encoder and VAE."""
        ...

    def proof_arithmetic(self) -> None:
        """Make every operation independent of what shares the batch. For rendering only: nothing can be
        differentiated afterwards.
        """
        ...

    def draft_arithmetic(self) -> None:
        """Compute as fast as possible; bits may depend on what shares the batch. For rendering only."""
        ...


class Family(Protocol):
    """One architecture. Everything here works without importing torch."""

    name: str

    def recognises(self, folder: Path) -> bool:
        """Whether a diffusers folder is of this family, from its configs alone."""
        ...

    def describe(
        self, folder: Path, name: str, *, role: Role | None = None, hashes: FileHashes = EVERY_BYTE
    ) -> Base:
        """The base in that folder, hashed; :class:`InputError` naming what is missing or damaged.

        The role comes from configurations and known facts, never from a name. ``role`` narrows it, and
        decides where the files do not tell; without it they are asked for in the error. ``hashes`` says what
        its large files hash to.
        """
        ...

    def role_words(self, role: Role) -> str:
        """The role in words, with the way out where something is refused."""
        ...

    def teach_defaults(self, base: Base) -> TeachDefaults:
        """Starting values for about ten pictures."""
        ...

    def check_recipe(self, base: Base, recipe: Recipe) -> None:
        """:class:`InputError` for what this base cannot render: a sampler, a schedule, a size, guidance."""
        ...

    def load(
        self, base: Base, *, device: str = "cpu", dtype: str = "float32", holding: Holding = STOCK
    ) -> LoadedBase:
        """The base in memory, its denoiser's weights held as asked; imports torch."""
        ...

    def write_style(
        self,
        path: Path,
        tensors: Mapping[str, tuple[Tensor, Tensor]],
        *,
        alpha: float,
        metadata: Mapping[str, str],
    ) -> str:
        """Write ``{module path: (down, up)}`` in the family's one canonical layout, atomically;
        return the tensor hash (SHA-256 of the bytes after the safetensors header).
        """
        ...

    def read_style(self, path: Path, base: LoadedBase) -> dict[str, tuple[Tensor, Tensor, float]]:
        """``{module path: (down, up, alpha / rank)}`` from a file in that layout; every module of the
        file must exist in ``base``, else :class:`MismatchError` with "n of m".
        """
        ...


@runtime_checkable
class WearsTextStyles(Protocol):
    """A base in memory whose text encoders a style may change too."""

    text_styles: TextStyles
    """What they wear; ``encode_text`` follows it."""


@runtime_checkable
class TeachesWords(Protocol):
    """A family whose text encoders can be taught a word: textual inversion."""

    def word_defaults(self, base: Base) -> WordDefaults:
        """Starting values."""
        ...

    def word_layout(self) -> WordLayout:
        """The one layout of this family's learned words; imports torch."""
        ...

    def write_word(self, path: Path, vectors: Vectors, metadata: Mapping[str, str]) -> str:
        """Write the vectors in the family's one layout, atomically; return the tensor hash."""
        ...

    def read_word(self, path: Path, base: LoadedBase) -> Vectors:
        """The vectors of a file in that layout, on the device of ``base``; :class:`MismatchError` when they
        are not of its text encoders.
        """
        ...


@runtime_checkable
class LearnsWords(Protocol):
    """A base of such a family in memory."""

    learned_words: LearnedWords
    """What it knows beside its vocabulary; ``encode_text`` follows it."""

    def encode_spoken(self, texts: Sequence[tuple[str, tuple[Worn, ...]]], *, weighted: bool) -> Conditioning:
        """As ``encode_text`` or ``encode_weighted``, each text with its own learned words of known styles."""
        ...

    def encode_anew(self, texts: Sequence[str]) -> Conditioning:
        """As ``encode_text``, remembering nothing, gradients reaching the vectors of learned words."""
        ...

    def vectors_of(self, text: str) -> Vectors:
        """The vectors that the vocabulary has for a text, (tokens, width) for each text encoder."""
        ...

    def longest_vectors(self) -> Mapping[str, float]:
        """The length of the longest vector in each encoder's vocabulary."""
        ...

    def drop_pictures(self) -> None:
        """Free the autoencoder alone."""
        ...


@runtime_checkable
class WeighsWords(Protocol):
    """A family whose text encoder lets some words of a prompt count more than others."""

    @property
    def weighting(self) -> Weighting:
        """Whose reading of brackets it follows."""
        ...


@runtime_checkable
class EncodesWeighted(Protocol):
    """A base of such a family in memory."""

    def encode_weighted(self, texts: Sequence[str]) -> Conditioning:
        """As ``encode_text``, with the brackets read; the same bits for a text without any."""
        ...


@runtime_checkable
class HandsOver(Protocol):
    """A family in which one base may finish the picture that another began."""

    def check_refiner(self, base: Base, refiner: Base) -> None:
        """:class:`MismatchError` when the second cannot go on with the latents of the first."""
        ...


@runtime_checkable
class SkipsLayers(Protocol):
    """A family whose texts can be read at an earlier layer of the text encoder (clip skip)."""

    def clip_layers(self, base: Base) -> ClipLayers:
        """At which."""
        ...


@runtime_checkable
class ReadsAtLayers(Protocol):
    """A base of such a family in memory."""

    def reading_at(self, layer: int) -> AbstractContextManager[None]:
        """While it lasts texts are read at that layer, counted from the last, which is 1."""
        ...


@runtime_checkable
class ReadsSingleFiles(Protocol):
    """A family whose bases are also spread as one file with all their parts."""

    def recognises_file(self, header: Header) -> SingleFile | None:
        """What the file with that header is, from its tensors' names and shapes; None for another family."""
        ...
