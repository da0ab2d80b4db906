"""Pictures drawn while a style is taught, by the same renderer as every other picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duktus.actions.progress import Progress, Tick
from duktus.actions.recipes.plain_recipe import plain_recipe
from duktus.archive.store import write_whole
from duktus.domain.base import Base
from duktus.domain.recipe import AdapterRef, Lane, Numerics, Recipe
from duktus.families.safetensors_header import tensor_hash
from duktus.rendering import Renderer, encode_png

NAME = "in-training"
"""How the recipes of samples call the unfinished style."""

ON_A_CPU = 4
"""Pictures drawn together on a CPU. Eight drafts of the miniature take 3.3 s and 704 MiB two by two, 2.7 s
and 726 MiB four by four, 2.4 s and 755 MiB all together (means of 2 runs)."""

FEWEST_STEPS = 10
"""A rough look takes no fewer, where the base's default takes as many."""


class Samples:
    """Draws one prompt with style files that are not in the archive yet."""

    def __init__(
        self,
        base: Base,
        folder: Path,
        prompt: str,
        told: Progress,
        *,
        device: str,
        dtype: str,
        batch: int,
        word: str | None = None,
    ) -> None:
        """``dtype``: what the run computes in. ``word``: the one that the style's vectors stand for; None of
        an adapter.
        """
        self._word = word
        self._base = base
        self._folder = folder
        self._prompt = prompt
        self._told = told
        self._device = device
        self._dtype: Any = dtype
        self._batch = min(batch, ON_A_CPU) if device == "cpu" else batch
        self._drawing: tuple[str, Renderer] | None = None
        """The style that was drawn last, with its renderer: one finished style is drawn at two strengths."""

    def sample(self, step: int, file: Path) -> Path:
        """One picture of the first caption at strength 1, as ``step-000100.png``."""
        recipe = self._recipe(tensor_hash(file), 1.0, self._prompt, 1)
        pixels = self._render(self._renderer(file), [recipe])[0]
        target = self._folder / f"step-{step:06d}.png"
        write_whole(target, encode_png(pixels, recipe))
        return target

    def draw(
        self, file: Path, strength: float, prompt: str, seeds: Sequence[int]
    ) -> Sequence[NDArray[np.uint8]]:
        """One draft of ``prompt`` per seed, (height, width, 3), in half the base's steps and in the run's
        arithmetic: nobody sees more of it than a thumbnail.
        """
        style = tensor_hash(file)
        if self._drawing is None or self._drawing[0] != style:
            self._drawing = (style, self._renderer(file))
        steps = self._base.render.steps
        drafty = Numerics(lane=Lane.DRAFT, dtype=self._dtype)
        rough = {"numerics": drafty, "steps": min(steps, max(FEWEST_STEPS, steps // 2))}
        recipes = [self._recipe(style, strength, prompt, seed).model_copy(update=rough) for seed in seeds]
        return self._render(self._drawing[1], recipes)

    def _recipe(self, style: str, strength: float, prompt: str, seed: int) -> Recipe:
        adapter = AdapterRef(name=NAME, style=style, strength=strength, word=self._word)
        return plain_recipe(self._base, prompt, seed, (adapter,))

    def _renderer(self, file: Path) -> Renderer:
        return Renderer(self._base, {tensor_hash(file): file}, batch=self._batch, device=self._device)

    def _render(self, renderer: Renderer, recipes: Sequence[Recipe]) -> list[NDArray[np.uint8]]:
        name = "sample steps"
        pictures = renderer.render(
            recipes, on_step=lambda done, total: self._told.tick(Tick(name, done, total))
        )
        found = {picture.index: picture.pixels for picture in pictures}
        return [found[index] for index in range(len(recipes))]
