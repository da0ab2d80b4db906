"""Recipes and a style for tests that render, small enough to be quick."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from duktus.domain.base import Base
from duktus.domain.recipe import AdapterRef, Recipe, Sampler, Schedule
from duktus.domain.style import Targets
from duktus.families import lora
from duktus.families.registry import family


def write_random_style(
    base: Base, path: Path, *, seed: int = 0, rank: int = 4, alpha: float = 4.0, deviation: float = 0.05,
    targets: Targets = Targets.ATTENTION_FEED_FORWARD_CONV,
) -> str:  # fmt: skip
    """A style file with random matrices, strong enough to be seen; its tensor hash."""
    loaded = family(base.family).load(base)
    made = lora.inject(loaded.denoiser, loaded.target_modules(targets), rank=rank, alpha=alpha, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for pair in made.pairs:
        pair.up.data.normal_(std=deviation, generator=generator)
    return family(base.family).write_style(path, made.tensors(), alpha=alpha, metadata={})


def recipe(base: Base, /, **changes: object) -> Recipe:
    """A quick recipe on ``base``: 64 x 64 pixels, 4 steps."""
    content: dict[str, object] = {
        "base": base.ref,
        "prompt": "portrait of a woman with red hair",
        "seed": 1,
        "steps": 4,
        "cfg": 3.0,
        "sampler": Sampler.DPMPP_2M,
        "schedule": Schedule.KARRAS,
        "width": 64,
        "height": 64,
    }
    return Recipe.model_validate(content | changes)


def styled(style: str, strength: float, name: str = "laz") -> tuple[AdapterRef, ...]:
    """One style at a strength, as a recipe names it."""
    return (AdapterRef(name=name, style=style, strength=strength),)


def mixed(base: Base, style: str, **changes: object) -> Sequence[Recipe]:
    """Six recipes of one shape that differ in strength, cfg, seed, prompt and negative prompt."""
    woman, man = "portrait of a woman with red hair", "a man, pencil sketch"
    rows = [
        (0.0, 3.0, 1, woman, ""),
        (1.0, 3.0, 1, woman, ""),
        (0.5, 7.5, 2, man, "glasses"),
        (1.3, 1.5, 3, woman, "beard"),
        (-0.4, 4.0, 4, man, ""),
        (1.0, 3.0, 4294967295, "", "blue"),
    ]
    return [
        recipe(
            base,
            adapters=styled(style, strength),
            cfg=cfg,
            seed=seed,
            prompt=prompt,
            negative_prompt=negative,
            **changes,
        )
        for strength, cfg, seed, prompt, negative in rows
    ]
