"""Control pictures at work: what their network adds at every step, weighted per picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from duktus.families.control import Residuals

if TYPE_CHECKING:
    from duktus.families.control import LoadedControl, Seen
    from duktus.families.family import Conditioning


@dataclass(frozen=True, slots=True)
class Span:
    """How strongly a control acts on one picture, and between which shares of the steps."""

    weight: float
    start: float
    end: float

    def at(self, done: float) -> float:
        """The weight when ``done`` of the steps are behind: from ``start`` on, before ``end``."""
        return self.weight if self.start <= done < self.end else 0.0


@dataclass(frozen=True, slots=True)
class Steering:
    """One control of a batch. ``seen`` and ``spans`` have one row per picture (not doubled for cfg)."""

    network: LoadedControl
    seen: Seen
    spans: Sequence[Span]

    def residuals(
        self, noisy: Tensor, timesteps: Tensor, conditioning: Conditioning, done: float
    ) -> Residuals | None:
        """What is added for the (possibly doubled) batch now; None when no picture is steered.

        The weights multiply the finished answer, so they may differ per picture and cost nothing.
        """
        weights = [span.at(done) for span in self.spans]
        if not any(weights):
            return None
        twice = len(noisy) // len(weights)
        seen = tuple(torch.cat([one] * twice) for one in self.seen)
        found = self.network.residuals(noisy, timesteps, conditioning, seen)
        share = torch.tensor(weights * twice, device=noisy.device, dtype=noisy.dtype).view(-1, 1, 1, 1)
        return found.weighted(share)


def total(residuals: Iterable[Residuals]) -> Residuals:
    """Several controls added up, in their order."""
    return reduce(Residuals.and_those, residuals)
