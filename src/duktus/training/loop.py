"""One training step, and the state that a checkpoint carries. Knows only the family contract."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import TrainingError
from duktus.training.cache import data_order
from duktus.training.learning import begin
from duktus.training.memory import release
from duktus.training.optimisers import Stepper
from duktus.training.randomness import generator_for, number_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from duktus.domain.style import TeachSettings
    from duktus.families.family import LoadedBase
    from duktus.training.cache import Cache, Latents


@dataclass(frozen=True, slots=True)
class _Shown:
    """The pictures of one step as the denoiser sees them, with the right answers."""

    noisy: Tensor
    timesteps: Tensor
    target: Tensor
    texts: list[int]
    """Rows of the conditioning table."""
    pictures: list[int]
    """Their places among those that :func:`_show` was given."""


class Trainer:
    """A base with something fresh to learn and its optimizer; :meth:`advance` takes one step.

    What a step draws (pictures, posterior samples, noises, timesteps, dropped captions) follows from
    (seed, step) alone.
    """

    def __init__(self, base: LoadedBase, cache: Cache, settings: TeachSettings) -> None:
        self.base = base
        self.cache = cache
        self.settings = settings
        self.step = 0
        base.denoiser.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.learning = begin(base, settings)
        self._parameters = self.learning.named
        self._stepper = Stepper(self._parameters, settings, base.device)

    def advance(self) -> float:
        """Take one step and return the loss on its pictures, without that of what is to be kept.

        Raises :class:`TrainingError` before a bad one is taken.
        """
        self._stepper.forget_gradients()
        losses: list[Tensor] = []
        for loss in self._losses():  # one after the other: each graph is gone before the next is built
            loss.backward()
            losses.append(loss.detach())
        limit = self.settings.max_grad_norm
        norm = torch.nn.utils.clip_grad_norm_(self._parameters.values(), limit or math.inf)
        value, length = losses[0].item(), norm.item()
        if not (math.isfinite(value) and math.isfinite(length)):
            raise self._not_finite(value)
        self._stepper.step()
        self.learning.settle()
        self.step += 1
        return value

    def _losses(self) -> Iterator[Tensor]:
        """The loss on this step's pictures, then, weighted, those of what the base is to keep."""
        settings, cache = self.settings, self.cache
        shown = self._show(cache.taught, "step", settings.seed, settings.caption_dropout)
        yield self._error(shown, shown.texts, shown.target)
        if settings.self_prior is not None:
            neutral = [cache.neutral[picture] for picture in shown.pictures]
            yield settings.self_prior * self._error(shown, neutral, self._of_base(shown, neutral))
        if cache.prior is not None:
            seed = number_for(settings.seed, "prior")
            kept = self._show(cache.prior, "prior", seed)
            yield settings.prior_weight * self._error(kept, kept.texts, kept.target)

    def _show(self, latents: Latents, name: str, seed: int, dropout: float = 0) -> _Shown:
        """What this step shows of those pictures; the names and numbers decide every draw."""
        settings, base = self.settings, self.base
        draw = generator_for(settings.seed, name, self.step)
        variants = data_order(len(latents.picture), settings.batch, self.step, seed)
        channels, height, width = latents.mean.shape[1:]
        shape = (settings.batch, channels, height, width)
        spread, noise = torch.randn((2, *shape), generator=draw).to(base.device)
        timesteps = base.sample_timesteps(settings.batch, draw, settings.noise_levels, shape[1:])
        timesteps = timesteps.to(base.device)
        dropped = (torch.rand(settings.batch, generator=draw) < dropout).tolist()
        texts = [
            self.cache.empty if drop else latents.text[latents.picture[variant]]
            for variant, drop in zip(variants, dropped, strict=True)
        ]
        clean = latents.mean[variants] + latents.deviation[variants] * spread
        noisy = base.add_noise(clean, noise, timesteps).to(base.dtype, memory_format=torch.channels_last)
        target = base.training_target(clean, noise, timesteps).float()
        return _Shown(noisy, timesteps, target, texts, [latents.picture[variant] for variant in variants])

    def _of_base(self, shown: _Shown, texts: Sequence[int]) -> Tensor:
        """What the base answers as it was."""
        with torch.no_grad(), self.learning.silenced():
            rows = self.cache.conditioning.rows(texts)
            return self.base.predict(shown.noisy, shown.timesteps, rows).float()

    def _error(self, shown: _Shown, texts: Sequence[int], target: Tensor) -> Tensor:
        base = self.base
        answer = base.predict(shown.noisy, shown.timesteps, self.cache.conditioning.rows(texts)).float()
        weight = base.loss_weight(shown.timesteps, self.settings.min_snr_gamma)
        return ((answer - target).square().flatten(1).mean(1) * weight).mean()

    def check_alive(self) -> None:
        """:class:`TrainingError` when nothing was learned yet, or it is no longer made of numbers."""
        fault = self.learning.fault()
        if fault == "not finite":
            raise self._not_finite(math.nan)
        if fault:
            raise TrainingError(
                f"After {self.step} steps {fault}.",
                "No gradient reaches it, or the learning rate vanishes in this arithmetic.",
                "Raise the learning rate, or teach with --dtype float32.",
            )

    def _not_finite(self, loss: float) -> TrainingError:
        reason = f"The loss was {loss}" if not math.isfinite(loss) else "The gradient was not finite"
        arithmetic = str(self.base.dtype).removeprefix("torch.")
        return TrainingError(
            f"Training stopped at step {self.step + 1}: numbers overflowed.",
            f"{reason}, computing in {arithmetic} on {self.base.device} at learning rate "
            f"{self.settings.learning_rate:g}. That step was not taken; the last checkpoint is good.",
            "Teach with a lower learning rate"
            + (", or with --dtype float32." if arithmetic != "float32" else "."),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes while training: what is learned and the optimizer's state, by name."""
        learned = {f"adapter/{name}": parameter.detach() for name, parameter in self._parameters.items()}
        return learned | self._stepper.tensors()

    def restore(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Become what :meth:`tensors` was at that step."""
        self.step = step
        self.load_adapter(tensors)
        self._stepper.restore(tensors)

    def release(self) -> None:
        """Free the base and what was learned, so that another copy fits. Nothing else may follow."""
        self.learning.release()
        release(self.base)

    def load_adapter(self, tensors: Mapping[str, Tensor]) -> None:
        """Only what was learned, of a checkpoint."""
        self.learning.load({name: tensors[f"adapter/{name}"] for name in self._parameters})
