"""One training step, and the state that a checkpoint carries. Knows only the family contract."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import TrainingError
from duktus.families import lora
from duktus.training.cache import data_order
from duktus.training.optimisers import Stepper
from duktus.training.randomness import generator_for, number_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from duktus.domain.style import TeachSettings
    from duktus.families.family import LoadedBase
    from duktus.training.cache import Cache


class Trainer:
    """A base with a fresh adapter and its optimizer; :meth:`advance` takes one step.

    What a step draws (pictures, posterior samples, noises, timesteps, dropped captions) follows from
    (seed, step) alone.
    """

    def __init__(self, base: LoadedBase, cache: Cache, settings: TeachSettings) -> None:
        self.base = base
        self.cache = cache
        self.settings = settings
        self.step = 0
        base.denoiser.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.adapters = lora.inject(
            base.denoiser,
            base.target_modules(settings.targets),
            rank=settings.rank,
            alpha=settings.alpha,
            seed=number_for(settings.seed, "adapter") % 2**32,
        )
        named = dict(self.adapters.named_parameters())
        self._parameters = {
            f"{path}.{half}": named[f"pairs.{number}.{half}"]
            for number, path in enumerate(self.adapters.paths)
            for half in ("down", "up")
        }
        self._stepper = Stepper(self._parameters, settings, base.device)

    def advance(self) -> float:
        """Take one step and return its loss. Raises :class:`TrainingError` before a bad one is taken."""
        loss = self._loss()
        self._stepper.forget_gradients()
        loss.backward()
        limit = self.settings.max_grad_norm
        norm = torch.nn.utils.clip_grad_norm_(self._parameters.values(), limit or math.inf)
        value, length = loss.item(), norm.item()
        if not (math.isfinite(value) and math.isfinite(length)):
            raise self._not_finite(value)
        self._stepper.step()
        self.step += 1
        return value

    def _loss(self) -> Tensor:
        settings, taught, base = self.settings, self.cache.taught, self.base
        draw = generator_for(settings.seed, "step", self.step)
        variants = data_order(len(taught.picture), settings.batch, self.step, settings.seed)
        channels, height, width = taught.mean.shape[1:]
        shape = (settings.batch, channels, height, width)
        spread, noise = torch.randn((2, *shape), generator=draw).to(base.device)
        timesteps = base.sample_timesteps(settings.batch, draw, settings.noise_levels, shape[1:])
        timesteps = timesteps.to(base.device)
        dropped = (torch.rand(settings.batch, generator=draw) < settings.caption_dropout).tolist()
        texts = [
            self.cache.empty if drop else taught.text[taught.picture[variant]]
            for variant, drop in zip(variants, dropped, strict=True)
        ]
        latents = taught.mean[variants] + taught.deviation[variants] * spread
        noisy = base.add_noise(latents, noise, timesteps).to(base.dtype, memory_format=torch.channels_last)
        answer = base.predict(noisy, timesteps, self.cache.conditioning.rows(texts)).float()
        target = base.training_target(latents, noise, timesteps).float()
        weight = base.loss_weight(timesteps, settings.min_snr_gamma)
        return ((answer - target).square().flatten(1).mean(1) * weight).mean()

    def check_alive(self) -> None:
        """:class:`TrainingError` when the adapter still does nothing, or is no longer made of numbers."""
        ups = [up for _, up in self.adapters.tensors().values()]
        if not all(bool(torch.isfinite(up).all()) for up in ups):
            raise self._not_finite(math.nan)
        if not any(bool(up.any()) for up in ups):
            raise TrainingError(
                f"After {self.step} steps the adapter is still all zero.",
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
        """Everything that changes while training: adapter and optimizer, by name."""
        adapter = {f"adapter/{name}": parameter.detach() for name, parameter in self._parameters.items()}
        return adapter | self._stepper.tensors()

    def restore(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Become what :meth:`tensors` was at that step."""
        self.step = step
        self.load_adapter(tensors)
        self._stepper.restore(tensors)

    def release(self) -> None:
        """Free the weights of base and adapter, so that another copy fits. Nothing else may follow."""
        self.base.denoiser.to("meta")
        self.adapters.to("meta")

    def load_adapter(self, tensors: Mapping[str, Tensor]) -> None:
        """Only the adapter of a checkpoint."""
        self.adapters.load(
            {
                path: (tensors[f"adapter/{path}.down"], tensors[f"adapter/{path}.up"])
                for path in self.adapters.paths
            }
        )
