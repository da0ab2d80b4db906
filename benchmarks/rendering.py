"""Seconds per picture: duktus one by one and in batches, against the plain loop people write with diffusers.

    python benchmarks/rendering.py FOLDER [--pictures 6] [--rounds 3] [--size 128] [--steps 20]

All in one process and in turns, so that the ratios hold on a busy machine.
Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from duktus.domain.base import Base
from duktus.domain.recipe import AdapterRef, Lane, Numerics, Recipe, Sampler, Schedule
from duktus.families import lora
from duktus.families.registry import family, family_of
from duktus.families.samplers import quiet_numpy
from duktus.rendering.facts import current_facts
from duktus.rendering.renderer import Renderer

STRENGTHS = (0.6, 0.8, 1.0, 1.2, 1.4, 1.6)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=None)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    base = family_of(given.folder).describe(given.folder, "base")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "style.safetensors"
        ways = _ways(base, path, _style(base, path), given)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(given.rounds):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                seconds[name].append((time.perf_counter() - started) / given.pictures)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    plain = medians["diffusers pipeline, one by one"]
    json.dump(
        {
            "seconds_per_picture": medians,
            "speed_against_diffusers": {name: plain / value for name, value in medians.items()},
            "rounds": given.rounds,
            "pictures_per_round": given.pictures,
            "facts": current_facts(torch.device("cpu"), 0).model_dump(exclude={"seconds"}),
        },
        sys.stdout,
        indent=2,
    )


def _style(base: Base, path: Path) -> str:
    """A style of the base's own default targets with random matrices; its tensor hash."""
    kind = family(base.family)
    loaded = kind.load(base)
    paths = loaded.target_modules(kind.teach_defaults(base).targets)
    made = lora.inject(loaded.denoiser, paths, rank=16, alpha=16, seed=0)
    tensors = {name: (down, torch.full_like(up, 0.01)) for name, (down, up) in made.tensors().items()}
    return kind.write_style(path, tensors, alpha=16, metadata={})


def _ways(base: Base, path: Path, style: str, given: Any) -> dict[str, Callable[[], object]]:
    size = given.size or base.render.width
    recipes = [
        Recipe(
            base=base.ref,
            adapters=(AdapterRef(name="style", style=style, strength=STRENGTHS[place % len(STRENGTHS)]),),
            prompt="portrait of a woman",
            seed=place,
            steps=given.steps,
            cfg=4.0,
            sampler=Sampler.DPMPP_2M,
            schedule=Schedule.KARRAS,
            width=size,
            height=size,
        )
        for place in range(given.pictures)
    ]
    draft = [recipe.model_copy(update={"numerics": Numerics(lane=Lane.DRAFT)}) for recipe in recipes]
    single, batched = (Renderer(base, {style: path}, batch=batch) for batch in (1, 6))
    drafting = Renderer(base, {style: path}, batch=6)
    ways: dict[str, Callable[[], object]] = {
        "diffusers pipeline, one by one": _plain(base, path, recipes),
        "duktus proof, one by one": lambda: list(single.render(recipes)),
        "duktus proof, batch 6": lambda: list(batched.render(recipes)),
        "duktus draft, batch 6": lambda: list(drafting.render(draft)),
    }
    for way in ways.values():
        way()  # loading and the first use of every shape are not what is measured
    return ways


def _plain(base: Base, path: Path, recipes: list[Recipe]) -> Callable[[], object]:
    loading: Any = StableDiffusionPipeline
    pipe: Any = loading.from_pretrained(
        base.folder, safety_checker=None, local_files_only=True, torch_dtype=torch.float32
    )
    pipe.set_progress_bar_config(disable=True)
    with quiet_numpy():
        pipe.scheduler = DPMSolverMultistepScheduler.from_config(
            pipe.scheduler.config, use_karras_sigmas=True
        )
    pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name="style")

    def loop() -> None:
        for recipe in recipes:
            pipe.set_adapters("style", adapter_weights=recipe.adapters[0].strength)
            with quiet_numpy():
                pipe(
                    recipe.prompt,
                    num_inference_steps=recipe.steps,
                    guidance_scale=recipe.cfg,
                    height=recipe.height,
                    width=recipe.width,
                    generator=torch.Generator().manual_seed(recipe.seed),
                )

    return loop


if __name__ == "__main__":
    main()
