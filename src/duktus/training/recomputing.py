"""Whether a step keeps everything that its backward pass needs, or computes most of it a second time.

Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174) keeps the borders of the denoiser's blocks only.
A LoRA step on a frozen base costs two forward passes without it and three with it, so it is worth its time
only where memory is short. What a step keeps is measured on the real model, small enough to be safe.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from duktus.families import at_use
from duktus.training.learning import begin
from duktus.training.randomness import generator_for
from duktus.training.word import text_table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from duktus.domain.style import TeachSettings
    from duktus.families.family import Conditioning, LoadedBase

TRIED = (128, 256)
"""Edges in pixels at which a larger picture's share is measured; smaller ones are measured as they are."""
PER_PARAMETER = 4 * 4
"""Bytes beside the adapter itself: its gradient, two moments, and what the optimiser needs on its way."""


@dataclass(frozen=True, slots=True)
class Example:
    """One picture as the denoiser sees it, all noise."""

    noisy: Tensor
    timesteps: Tensor
    target: Tensor
    texts: Conditioning
    """The trigger word in its first row."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that one step keeps beside the base: activations, gradients, moments."""

    whole: int
    recomputed: int
    """With gradient checkpointing: the borders of the blocks, and the largest block whole."""

    def with_recomputing(self, *, on: bool) -> int:
        """One of the two."""
        return self.recomputed if on else self.whole


def example(base: LoadedBase, settings: TeachSettings, resolution: int) -> Example:
    """A made-up picture of that size, with the trigger word as its caption."""
    shape = base.latent_shape(resolution, resolution)
    latents, noise = torch.randn((2, 1, *shape), generator=generator_for("probe device")).to(base.device)
    timesteps = base.probe_timesteps(2)[:1].to(base.device)
    return Example(
        base.add_noise(latents, noise, timesteps).to(base.dtype),
        timesteps,
        base.training_target(latents, noise, timesteps).float(),
        text_table(base, [settings.trigger], settings),
    )


def recompute(base: LoadedBase, *, on: bool) -> None:
    """Switch gradient checkpointing of the denoiser on or off; forward passes alone never change."""
    denoiser: Any = base.denoiser
    if on:
        denoiser.enable_gradient_checkpointing()
    else:
        denoiser.disable_gradient_checkpointing()


def recomputes(base: LoadedBase) -> bool:
    """Whether gradient checkpointing is on."""
    denoiser: Any = base.denoiser
    return bool(denoiser.is_gradient_checkpointing)


def step_bytes(base: LoadedBase, settings: TeachSettings) -> Kept:
    """What one step keeps beside the base, with gradient checkpointing and without; it is off afterwards.

    Activations grow with the number of pixels, above a share that the text alone has; so two small sizes
    tell a large one. Attention that PyTorch does not compute in one piece would grow faster.
    """
    learning = begin(base, settings)
    try:
        small, large = TRIED
        if settings.resolution <= large:
            picture = _kept(base, example(base, settings, settings.resolution))
        else:
            a, b = (_kept(base, example(base, settings, edge)) for edge in TRIED)
            grown = (settings.resolution**2 - small**2) / (large**2 - small**2)
            picture = Kept(
                round(a.whole + (b.whole - a.whole) * grown),
                round(a.recomputed + (b.recomputed - a.recomputed) * grown),
            )
        own = sum(parameter.numel() for parameter in learning.named.values()) * PER_PARAMETER
    finally:
        learning.remove()
        recompute(base, on=False)
    own += at_use.at_most(base.denoiser)
    return Kept(picture.whole * settings.batch + own, picture.recomputed * settings.batch + own)


class _Ledger:
    """What autograd keeps of a forward pass, each storage once, and within which block."""

    def __init__(self, denoiser: nn.Module) -> None:
        self._weights = {parameter.untyped_storage().data_ptr() for parameter in denoiser.parameters()}
        self._kept: dict[int, tuple[int, int]] = {}
        self._borders: dict[int, int] = {}
        self._seen: list[Tensor] = []
        self._block = 0
        self._blocks = 0

    def pack(self, tensor: Tensor) -> None:
        """Note a tensor that is kept for the way back, which is never gone: a graph that kept what it made
        itself would be a circle, and stay for ever with the weights that it used.
        """
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._weights:
            self._kept.setdefault(storage.data_ptr(), (storage.nbytes(), self._block))
            self._seen.append(tensor.detach())

    def block(self, module: Any, *given: Any) -> Any:
        """Compute a block in the place of diffusers' gradient checkpointing, and note what it was given."""
        for tensor in given:
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self._borders[storage.data_ptr()] = storage.nbytes()
                self._seen.append(tensor.detach())  # held, so that no storage is counted under a used address
        self._blocks += 1
        self._block = self._blocks
        try:
            return module(*given)
        finally:
            self._block = 0

    def forget(self) -> None:
        """Let go of what is held; the denoiser goes on knowing this ledger."""
        self._seen.clear()

    def kept(self) -> Kept:
        """Of the pass so far."""
        within: Counter[int] = Counter()
        for number, block in self._kept.values():
            within[block] += number
        outside = within.pop(0, 0)
        borders = sum(
            number for place, number in self._borders.items() if self._kept.get(place, (0, 1))[1] != 0
        )
        whole = outside + sum(within.values())
        return Kept(whole, min(whole, outside + borders + max(within.values(), default=0)))


def _kept(base: LoadedBase, shown: Example) -> Kept:
    """Of one forward pass, weights apart. What is kept of the text is little, and not counted."""
    text = shown.texts.rows([0])
    ledger = _Ledger(base.denoiser)
    denoiser: Any = base.denoiser
    denoiser.enable_gradient_checkpointing(ledger.block)
    with torch.autograd.graph.saved_tensors_hooks(ledger.pack, lambda nothing: nothing):
        answer = base.predict(shown.noisy, shown.timesteps, text)
    found = ledger.kept()
    del answer
    ledger.forget()
    return found
