"""What a batch is drawn over: sources on their canvases, and the enlarged first pass of a hires recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from duktus.rendering.canvas import Canvas, canvas, fitted, free_latents
from duktus.rendering.denoise import Batch, Over, Share, Snapshot, denoise, generators_of
from duktus.rendering.files import read_pixels
from duktus.rendering.steering import Span, Steering
from duktus.rendering.steps import to_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from duktus.domain.recipe import Recipe
    from duktus.families.control import LoadedControl, Seen
    from duktus.families.family import LoadedBase
    from duktus.rendering.compare import Pixels

KEPT = 16
"""Sources whose latents are remembered: the cells of a sweep share theirs."""


@dataclass(frozen=True, slots=True)
class _Begun:
    canvas: Canvas
    latents: Tensor


class Sources:
    """Canvases with their latents, each encoded once, alone."""

    def __init__(self, base: LoadedBase, find: Callable[[str], Path]) -> None:
        self._base = base
        self._find = find
        self._known: dict[tuple[object, ...], _Begun] = {}

    def of(self, recipe: Recipe) -> Canvas | None:
        """The canvas of a recipe, or None when it begins from noise alone."""
        begun = self._begun(recipe)
        return None if begun is None else begun.canvas

    def over(self, recipes: Sequence[Recipe]) -> Over | None:
        """The latents that recipes of one group are drawn over; None when they begin from noise alone."""
        begun = [one for recipe in recipes if (one := self._begun(recipe)) is not None]
        if not begun:
            return None
        source = recipes[0].source
        assert source is not None
        assert len(begun) == len(recipes)
        latents = torch.cat([one.latents for one in begun])
        return Over(latents, source.denoise, self._free([one.canvas for one in begun], latents))

    def opened(self, recipes: Sequence[Recipe]) -> tuple[Tensor, Tensor]:
        """For a base that paints within: what may change (n, 1, h, w), and the latents of the rest."""
        canvases = [self._begun(recipe) for recipe in recipes]
        shape = self._base.latent_shape(recipes[0].width, recipes[0].height)
        found: dict[int, tuple[Tensor, Tensor]] = {}
        for begun in canvases:
            assert begun is not None
            if id(begun) not in found:
                found[id(begun)] = self._opened(begun.canvas, shape)
        rows = [found[id(begun)] for begun in canvases]
        return torch.cat([opened for opened, _ in rows]), torch.cat([left for _, left in rows])

    def _opened(self, drawn: Canvas, shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """Grey stands where the picture is open, as in training (diffusers' inpainting pipelines)."""
        assert drawn.open is not None
        free = free_latents(drawn.open, drawn.open.shape[0] // shape[1])
        closed = torch.from_numpy(drawn.open <= 0)
        left = self._base.encode_pictures(as_input(drawn.pixels) * closed)[0]
        return torch.from_numpy(free)[None, None].to(left.device), left

    def _free(self, canvases: Sequence[Canvas], latents: Tensor) -> Tensor | None:
        shares = [one.open for one in canvases if one.open is not None]
        if not shares:
            return None
        shrink = shares[0].shape[0] // latents.shape[2]
        free = np.stack([free_latents(share, shrink) for share in shares])
        return torch.from_numpy(free)[:, None].to(latents.device)

    def _begun(self, recipe: Recipe) -> _Begun | None:
        if recipe.source is None:
            return None
        key = (recipe.source.picture, recipe.source.extend, recipe.mask, recipe.width, recipe.height)
        known = self._known.get(key)
        if known is None:
            made = canvas(recipe, self._find)
            assert made is not None
            known = _Begun(made, self._base.encode_pictures(as_input(made.pixels))[0])
            if len(self._known) >= KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[key] = known
        return known


def as_input(pixels: Pixels) -> Tensor:
    """(1, 3, h, w) in [-1, 1] of (h, w, 3) bytes."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def enlarged(batch: Batch, latents: Tensor, recipe: Recipe, steering: Sequence[Steering]) -> Batch:
    """The second pass of a hires group over its finished first one; ``recipe`` is any of the group."""
    hires = recipe.hires
    assert hires is not None
    shape = batch.base.latent_shape(hires.width, hires.height)
    if hires.by == "latent":
        rows = [functional.interpolate(row, shape[1:], mode="bilinear") for row in latents.split(1)]
    else:
        size = (hires.width, hires.height)
        rows = [
            batch.base.encode_pictures(as_input(np.asarray(fitted(Image.fromarray(picture), size))))[0]
            for picture in to_pixels(batch.base.decode(latents))
        ]
    over = Over(torch.cat(rows), hires.denoise)
    return replace(batch, steps=hires.steps, shape=shape, over=over, steering=steering)


def refined(batch: Batch, second: Callable[[], Batch], at: float) -> Iterator[Snapshot]:
    """The batch after every step, of which those after ``at`` of the noise levels are taken by ``second``."""
    generators = tuple(generators_of(batch.seeds))
    behind, latents = 0, None
    for snapshot in denoise(replace(batch, hurried=False, share=Share(at, generators))):
        behind, latents = snapshot.step, snapshot.latents
        yield replace(snapshot, steps=batch.steps)
    for snapshot in denoise(replace(second(), hurried=False, share=Share(at, generators, latents))):
        yield replace(snapshot, step=behind + snapshot.step, steps=batch.steps)


def steering(
    recipes: Sequence[Recipe],
    size: tuple[int, int],
    networks: Mapping[str, LoadedControl],
    find: Callable[[str], Path],
) -> tuple[Steering, ...]:
    """The controls of recipes of one group, for pictures of that size."""
    found: list[Steering] = []
    for place, first in enumerate(recipes[0].controls):
        controls = [recipe.controls[place] for recipe in recipes]
        network = networks[first.network]
        seen: dict[str, Seen] = {}
        for control in controls:
            if control.picture not in seen:
                pixels = np.asarray(fitted(Image.fromarray(read_pixels(find(control.picture))), size))
                seen[control.picture] = network.embed((as_input(pixels) + 1) / 2)
        rows = zip(*(seen[control.picture] for control in controls), strict=True)
        spans = tuple(Span(control.weight, control.start, control.end) for control in controls)
        found.append(Steering(network, tuple(torch.cat(some) for some in rows), spans))
    return tuple(found)
