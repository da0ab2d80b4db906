"""Pictures on their way: cheap previews, and the strip that shows how noise becomes a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from duktus.domain.errors import InputError
from duktus.rendering.compare import Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from duktus.families.family import LoadedBase
    from duktus.rendering.denoise import Snapshot


def to_pixels(decoded: Tensor) -> Pixels:
    """(n, h, w, 3) bytes of (n, 3, h, w) values in [-1, 1], rounded to nearest.

    :class:`InputError` for values that are no numbers: a picture of them would be black, and kept.
    """
    if not bool(torch.isfinite(decoded).all()):
        raise InputError(
            "The picture came out as no numbers (NaN).",
            "The base's weights hold none, or numbers overflowed on the way.",
            'Get the base again; if it is whole, set device = "cpu" in duktus.toml.',
        )
    scaled = ((decoded.float() + 1) * 127.5).round().clamp(0, 255)
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8))


def previews(snapshot: Snapshot, base: LoadedBase) -> Pixels:
    """(n, h/8, w/8, 3): the clean estimate through the base's latent-to-colour matrix."""
    matrix = base.latent_to_rgb().to(snapshot.clean.device)
    colours = snapshot.clean.float().permute(0, 2, 3, 1) @ matrix[:-1] + matrix[-1]
    return to_pixels(colours.permute(0, 3, 1, 2))


def kept_steps(steps: int) -> tuple[int, ...]:
    """1, 3, 6, 10, 15, ... and always the last: close together where most happens."""
    marks: list[int] = []
    mark, gap = 1, 2
    while mark < steps:
        marks.append(mark)
        mark, gap = mark + gap, gap + 1
    return (*marks, steps)


class StepsStrip:
    """Collects the decoded latents after the kept steps of one batch."""

    def __init__(self, steps: int) -> None:
        self._wanted = frozenset(kept_steps(steps))
        self._frames: list[Pixels] = []

    def look(self, snapshot: Snapshot, base: LoadedBase) -> None:
        """Decode the batch when its step is one of the kept."""
        if snapshot.step in self._wanted:
            self._frames.append(to_pixels(base.decode(snapshot.unit)))

    def of(self, place: int) -> Pixels:
        """(h, frames * w, 3): the picture at that place of the batch, from noise to finish."""
        return np.concatenate([frame[place] for frame in self._frames], axis=1)
