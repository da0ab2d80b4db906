"""The start noise of a picture: from its own CPU generator, turned towards a variation seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from duktus.domain.beginning import Variation

NEARLY_PARALLEL = 0.9995


def start_noise(
    generators: Sequence[torch.Generator],
    variations: Sequence[Variation | None],
    shape: tuple[int, int, int],
) -> Tensor:
    """(n, *shape): one draw from each generator; the generators go on from there for stochastic samplers."""
    rows: list[Tensor] = []
    for generator, variation in zip(generators, variations, strict=True):
        row = torch.randn((1, *shape), generator=generator)
        if variation is not None:
            other = torch.randn((1, *shape), generator=torch.Generator().manual_seed(variation.seed))
            row = turned(row[0], other[0], variation.strength)[None]
        rows.append(row)
    return torch.cat(rows)


def turned(noise: Tensor, towards: Tensor, share: float) -> Tensor:
    """(c, h, w) ``noise`` turned by ``share`` of the angle to ``towards`` (spherical interpolation).

    As A1111's *Variation seed* does it: the vectors are the columns of each channel (dimension 1), so equal
    seeds, strengths and sizes give the noise that A1111 has. The length of each column is interpolated
    along with its direction; columns that are parallel on average are mixed in a straight line.
    """
    cosine = ((noise / noise.norm(dim=1, keepdim=True)) * (towards / towards.norm(dim=1, keepdim=True))).sum(
        dim=1, keepdim=True
    )
    if cosine.mean() > NEARLY_PARALLEL:
        return noise * (1 - share) + towards * share
    angle = torch.acos(cosine)
    return (torch.sin((1 - share) * angle) * noise + torch.sin(share * angle) * towards) / torch.sin(angle)
