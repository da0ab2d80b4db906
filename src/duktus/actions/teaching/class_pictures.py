"""Class pictures: what the base draws of a class before it is taught, kept in the run folder.

Their recipes follow from the base, the class prompt and a number (the seed), and each file carries its
recipe. So what an interrupted run had drawn is taken as it is, and the same run elsewhere draws the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from duktus.actions.progress import Progress, Tick
from duktus.actions.recipes.plain_recipe import plain_recipe
from duktus.archive.store import write_whole
from duktus.domain.base import Base
from duktus.domain.errors import PictureError
from duktus.domain.recipe import Recipe
from duktus.domain.style import TeachSettings
from duktus.rendering import Renderer, encode_png, read_recipe
from duktus.training import TrainingSet, class_prompt, read_class_pictures


def drawn_class(
    base: Base, settings: TeachSettings, folder: Path, told: Progress, *, device: str, batch: int
) -> TrainingSet:
    """The class pictures of a run; those that are not in ``folder`` yet are drawn into it.

    Raises KeyboardInterrupt between pictures when the person asked to stop; what is drawn stays.
    """
    recipes = class_recipes(base, class_prompt(settings), settings.prior_count)
    files = [folder / f"{recipe.id}.png" for recipe in recipes]
    missing = [place for place, recipe in enumerate(recipes) if not _is_drawn(files[place], recipe)]
    if missing:
        there = f", {len(recipes) - len(missing)} are there already" if len(missing) < len(recipes) else ""
        told.say(f"Drawing {len(missing)} class pictures of '{settings.prior}' into {folder}{there}.")
    renderer = Renderer(base, {}, batch=batch, device=device)
    wanted = [recipes[place] for place in missing]
    clock = _Clock(told, len(wanted))
    for picture in renderer.render(wanted, on_step=clock.step, should_stop=told.stopped):
        write_whole(files[missing[picture.index]], encode_png(picture.pixels, picture.recipe))
        clock.picture()
    if told.stopped():
        told.say(
            "Stopped; the class pictures drawn so far are kept, and the same command goes on from there."
        )
        raise KeyboardInterrupt
    return read_class_pictures(folder, files, class_prompt(settings), settings.resolution)


def class_recipes(base: Base, prompt: str, count: int) -> Sequence[Recipe]:
    """``count`` recipes of one prompt by the base's own defaults, seeds 1, 2, ..."""
    return [plain_recipe(base, prompt, seed) for seed in range(1, count + 1)]


def _is_drawn(file: Path, recipe: Recipe) -> bool:
    try:
        found = read_recipe(file) if file.is_file() else None
    except PictureError:
        return False
    return found is not None and found.hash == recipe.hash


class _Clock:
    """Tells how many are drawn, and how long the others will take."""

    def __init__(self, told: Progress, total: int) -> None:
        self._told = told
        self._total = total
        self._done = 0
        self._left: float | None = None
        self._start = time.monotonic()

    def step(self, done: int, total: int) -> None:
        self._left = (time.monotonic() - self._start) / done * (total - done) if done else None
        self._tell()

    def picture(self) -> None:
        self._done += 1
        self._tell()

    def _tell(self) -> None:
        self._told.tick(Tick("class pictures", self._done, self._total, self._left))
