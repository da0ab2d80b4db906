"""How different pictures look from one another, without any learned model.

The distance between two pictures is the mean absolute difference of their 32 x 32 RGB thumbnails (box
filter), from 0 (the same) to 1 (black against white). It sees composition, colour and tone, not detail.
Unlike Vendi scores and FID its expectation does not depend on how many pictures there are
(https://arxiv.org/abs/2410.21719 on the former), so eight samples may be compared with nine originals.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

THUMBNAIL = 32
COPY_SHARE = 0.5
"""A picture nearer to an original than this share of the smallest distance between any two originals is
called a copy of it."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What rendered samples look like beside the originals they were taught on."""

    samples: int
    diversity: float
    """Mean distance between two samples of one prompt."""
    originals_diversity: float
    """Mean distance between two originals."""
    base_diversity: float | None
    """Mean distance between two pictures of the base alone from the same seeds and prompt; None where nobody
    needed to know."""
    copies: tuple[tuple[int, int, float], ...]
    """(sample, original, distance) of every sample that is a near-copy."""

    @property
    def share(self) -> float:
        """The samples' diversity as a share of the originals'."""
        return self.diversity / self.originals_diversity if self.originals_diversity else 1.0


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(32, 32, 3) values in [0, 1] of a picture's centre square."""
    image = Image.fromarray(pixels)
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    small = image.resize(
        (THUMBNAIL, THUMBNAIL), Image.Resampling.BOX, box=(left, top, left + edge, top + edge)
    )
    return np.asarray(small.convert("RGB"), dtype=np.float32) / np.float32(255)


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The distance between two thumbnails, 0 to 1."""
    return float(np.abs(one - other).mean())


def diversity(pixels: Sequence[NDArray[np.uint8]]) -> float:
    """The mean distance over all pairs of at least two (h, w, 3) uint8 pictures, 0 to 1."""
    small = [thumbnail(picture) for picture in pixels]
    return float(np.mean([distance(one, other) for one, other in combinations(small, 2)]))


def compare_looks(
    samples: Sequence[NDArray[np.uint8]],
    originals: Sequence[NDArray[np.uint8]],
) -> Looks:
    """Diversity of the samples and near-copies among them; at least two samples and two originals."""
    known = [thumbnail(picture) for picture in originals]
    closest = min(distance(one, other) for one, other in combinations(known, 2))
    copies: list[tuple[int, int, float]] = []
    for number, sample in enumerate(samples):
        distances = [distance(thumbnail(sample), original) for original in known]
        nearest = int(np.argmin(distances))
        if distances[nearest] < COPY_SHARE * closest:
            copies.append((number, nearest, distances[nearest]))
    return Looks(
        samples=len(samples),
        diversity=diversity(samples),
        originals_diversity=diversity(originals),
        base_diversity=None,
        copies=tuple(copies),
    )
