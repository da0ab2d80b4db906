"""The held-out loss: the same pictures, noises and noise levels each time, so that a change is real.

Every loss is the mean squared error of the denoiser's answer, without weights. It is read relative to the
base (the adapter at strength 0 on the same noises), which is computed once, at step 0. The same probe on
training pictures shows the gap between what was learned and what was learned by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, ConfigDict

from duktus.domain.style import CurvePoint
from duktus.training.randomness import generator_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from duktus.domain.style import TeachSettings
    from duktus.families.family import Conditioning, LoadedBase
    from duktus.training.cache import Cache, Latents


FEW = 4
"""Up to so many held-out pictures are each shown in ``probe_draws`` noises; more are shown less often."""


class Evaluation(BaseModel):
    """One look at both probes: mean loss per noise level, low to high; empty where there is no probe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    train_loss: float | None = None
    """Mean loss of the training steps since the last evaluation."""
    held_out: tuple[float, ...] = ()
    train_probe: tuple[float, ...] = ()
    prior: tuple[float, ...] = ()
    """On class pictures that were kept back."""

    @property
    def point(self) -> CurvePoint:
        """The point of the curve that is kept with the style."""
        return CurvePoint(
            step=self.step,
            train_loss=self.train_loss,
            held_out_loss=mean(self.held_out) if self.held_out else None,
            train_probe_loss=mean(self.train_probe) if self.train_probe else None,
            prior_loss=mean(self.prior) if self.prior else None,
        )


class Swapped(BaseModel):
    """Training pictures under their own and under another's caption: mean losses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    own: float
    swapped: float


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value."""
    return sum(values) / len(values)


@dataclass(frozen=True, slots=True)
class Probe:
    """Noisy latents with the right answers, ready to be asked: one row per picture, draw and level."""

    noisy: Tensor
    timesteps: Tensor
    target: Tensor
    level: Tensor
    """(rows,) int64, 0 for the least noise."""
    levels: int
    table: Conditioning
    texts: tuple[tuple[int, ...], ...]
    """Rows of the table for each batch of rows."""
    batch: int

    def answers(self, base: LoadedBase) -> Tensor:
        """What the denoiser answers as it stands; of the shape of ``target``."""
        with torch.no_grad():
            parts = [slice(at, at + self.batch) for at in range(0, len(self.noisy), self.batch)]
            return torch.cat(
                [
                    base.predict(self.noisy[part], self.timesteps[part], self.table.rows(text)).float()
                    for part, text in zip(parts, self.texts, strict=True)
                ]
            )

    def losses(self, base: LoadedBase) -> tuple[float, ...]:
        """Mean loss per noise level of the denoiser as it stands."""
        rows = (self.answers(base) - self.target).square().flatten(1).mean(1).double().cpu()
        sums = torch.zeros(self.levels, dtype=torch.float64).index_add_(0, self.level, rows)
        return tuple((sums / torch.bincount(self.level, minlength=self.levels)).tolist())


@dataclass(frozen=True, slots=True)
class Probes:
    """The probes of one run."""

    held_out: Probe | None
    taught: Probe
    swapped: Probe | None
    """The taught probe with another picture's caption; None when all captions are one."""
    prior: Probe | None = None
    neutral: Probe | None = None
    """The taught probe under neutral captions; None without a self-prior."""

    def evaluate(self, base: LoadedBase, step: int, train_loss: float | None) -> Evaluation:
        """Both curves at this step."""
        return Evaluation(
            step=step,
            train_loss=train_loss,
            held_out=self.held_out.losses(base) if self.held_out else (),
            train_probe=self.taught.losses(base),
            prior=self.prior.losses(base) if self.prior else (),
        )

    def swap(self, base: LoadedBase, own: Sequence[float]) -> Swapped | None:
        """How much another's caption costs; ``own`` are the taught probe's losses at this moment."""
        if self.swapped is None:
            return None
        return Swapped(own=mean(own), swapped=mean(self.swapped.losses(base)))


def build_probes(base: LoadedBase, cache: Cache, settings: TeachSettings) -> Probes:
    """Probes over the held-out pictures (``probe_draws`` noises each) and over as many training pairs; one
    noise for each class picture that was kept back.
    """
    held, kept = cache.held_out, cache.prior_kept
    pairs = _pairs(len(held.keys) if held else 0, settings)
    own = cache.taught.text
    return Probes(
        held_out=_probe(base, held, held.text, pairs=pairs, cache=cache, settings=settings) if held else None,
        taught=_probe(base, cache.taught, own, pairs=pairs, cache=cache, settings=settings),
        swapped=(
            _probe(base, cache.taught, _swapped(own), pairs=pairs, cache=cache, settings=settings)
            if len(set(own)) > 1
            else None
        ),
        neutral=(
            _probe(base, cache.taught, cache.neutral, pairs=pairs, cache=cache, settings=settings)
            if cache.neutral
            else None
        ),
        prior=(
            _probe(base, kept, kept.text, pairs=len(kept.keys), cache=cache, settings=settings)
            if kept
            else None
        ),
    )


def rows(held_out: int, settings: TeachSettings) -> int:
    """How many noisy pictures one evaluation asks the denoiser about, with so many held out."""
    return _pairs(held_out, settings) * settings.probe_timesteps * (2 if held_out else 1)


def _pairs(held_out: int, settings: TeachSettings) -> int:
    count = held_out or FEW
    return max(count, settings.probe_draws * min(count, FEW))


def _swapped(texts: Sequence[int]) -> list[int]:
    """For each picture the next caption, round the list, that is not its own."""
    return [
        next(
            texts[(place + n) % len(texts)]
            for n in range(1, len(texts))
            if texts[(place + n) % len(texts)] != own
        )
        for place, own in enumerate(texts)
    ]


def _probe(
    base: LoadedBase,
    latents: Latents,
    texts: Sequence[int],
    *,
    pairs: int,
    cache: Cache,
    settings: TeachSettings,
) -> Probe:
    """``pairs`` times the levels as rows; pair j shows picture j modulo their number, in a new noise."""
    count, batch = len(latents.keys), settings.batch * 4
    steps = base.probe_timesteps(settings.probe_timesteps)
    levels = len(steps)
    pictures = [pair % count for pair in range(pairs)]
    clean = latents.mean[[latents.picture.index(picture) for picture in pictures]].repeat_interleave(
        levels, 0
    )
    noise = torch.stack(
        [
            torch.randn(
                latents.mean.shape[1:], generator=generator_for("probe", latents.keys[p], n // count, at)
            )
            for n, p in enumerate(pictures)
            for at in range(levels)
        ]
    ).to(clean.device)
    timesteps = steps.repeat(pairs).to(clean.device)
    rows = [texts[picture] for picture in pictures for _ in range(levels)]
    with torch.no_grad():
        return Probe(
            base.add_noise(clean, noise, timesteps),
            timesteps,
            base.training_target(clean, noise, timesteps).float(),
            torch.arange(levels).repeat(pairs),
            levels,
            cache.conditioning,
            tuple(tuple(rows[at : at + batch]) for at in range(0, len(rows), batch)),
            batch,
        )
