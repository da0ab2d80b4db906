"""A strength x cfg x seed grid in one pass, against the plain loop people write with diffusers.

    OMP_NUM_THREADS=2 python benchmarks/grid.py [FOLDER] [--rounds 5] [--size N] [--steps N]

FOLDER is a base in the diffusers layout, the miniature when none is named. The loop calls ``set_adapters``
for every cell. Everything runs in one process and in turns, so the ratios hold on a busy machine; those of
processor time hold even where it is very busy. Told are: seconds per cell and how many times faster than the
loop; whether every cell has the bits it has alone; how
far draft is from proof; and what keeping a picture costs beside rendering it (recipe, hash, metadata, file,
row), in a real workspace. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from duktus.actions.rendering import Job, keep_picture, record
from duktus.domain.base import Base
from duktus.domain.recipe import AdapterRef, Lane, Numerics, Recipe, Sampler, Schedule
from duktus.families import lora
from duktus.families.registry import family, family_of
from duktus.families.samplers import quiet_numpy
from duktus.miniature import weights_folder
from duktus.rendering.compare import compare, pixel_hash
from duktus.rendering.facts import current_facts
from duktus.rendering.renderer import Picture, Renderer
from duktus.wiring import workspace_at

STRENGTHS, CFGS, SEEDS = (0.6, 0.9, 1.2), (3.0, 4.0), (1, 2)
PROMPT, NEGATIVE = "portrait of a woman", "beard"
LOOP, PROOF, DRAFT = "diffusers loop", "duktus proof", "duktus draft"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=weights_folder())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=None)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--batch", type=int, default=6)
    given = parser.parse_args()
    base = family_of(given.folder).describe(given.folder, "base")
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        path = place / "style.safetensors"
        recipes = grid(base, _style(base, path), given)
        json.dump(_measured(base, path, recipes, given, place), sys.stdout, indent=2)


def grid(base: Base, style: str, given: Any) -> list[Recipe]:
    """The cells, strengths across, then cfg, then seeds."""
    return [
        Recipe(
            base=base.ref,
            adapters=(AdapterRef(name="style", style=style, strength=strength),),
            prompt=PROMPT,
            negative_prompt=NEGATIVE,
            seed=seed,
            steps=given.steps or base.render.steps,
            cfg=cfg,
            sampler=Sampler.DPMPP_2M,
            schedule=Schedule.KARRAS,
            width=given.size or base.render.width,
            height=given.size or base.render.height,
        )
        for seed, cfg, strength in itertools.product(SEEDS, CFGS, STRENGTHS)
    ]


def _measured(base: Base, path: Path, recipes: list[Recipe], given: Any, place: Path) -> dict[str, Any]:
    drafts = [one.model_copy(update={"numerics": Numerics(lane=Lane.DRAFT)}) for one in recipes]
    styles = {recipes[0].adapters[0].style: path}
    renderers = {lane: Renderer(base, styles, batch=given.batch) for lane in Lane}
    ways: dict[str, Callable[[], list[Any]]] = {
        LOOP: _loop(base, path, recipes),
        PROOF: lambda: _in_order(renderers[Lane.PROOF], recipes),
        DRAFT: lambda: _in_order(renderers[Lane.DRAFT], drafts),
    }
    first = {name: way() for name, way in ways.items()}  # loading and first uses are not what is measured
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    worked: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(given.rounds):
        for name, way in ways.items():
            started, begun = time.perf_counter(), time.process_time()
            way()
            seconds[name].append((time.perf_counter() - started) / len(recipes))
            worked[name].append((time.process_time() - begun) / len(recipes))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    alone = Renderer(base, styles, batch=1)
    kept = _keeping(place, base, first[PROOF])
    return {
        "cells": len(recipes),
        "rounds": given.rounds,
        "seconds_per_cell": middle,
        "times_faster_than_the_loop": _ratios(seconds),
        "processor_seconds_per_cell": {name: statistics.median(values) for name, values in worked.items()},
        "times_less_work_than_the_loop": _ratios(worked),
        "proof_cells_with_the_bits_they_have_alone": sum(
            pixel_hash(one.pixels) == pixel_hash(other.pixels)
            for one, other in zip(_in_order(alone, recipes), first[PROOF], strict=True)
        ),
        "psnr_of_the_loop_against_proof": _psnr(first[LOOP], [one.pixels for one in first[PROOF]]),
        "psnr_of_draft_against_proof": _psnr(
            [one.pixels for one in first[DRAFT]], [one.pixels for one in first[PROOF]]
        ),
        "seconds_to_keep_a_cell": kept,
        "keeping_as_share_of_rendering": kept / middle[PROOF],
        "load": os.getloadavg(),
        "facts": current_facts(torch.device("cpu"), 0).model_dump(exclude={"seconds"}),
    }


def _ratios(spent: dict[str, list[float]]) -> dict[str, float]:
    """The median of how many times longer the loop took in the same round."""
    return {
        name: statistics.median(loop / own for loop, own in zip(spent[LOOP], spent[name], strict=True))
        for name in (PROOF, DRAFT)
    }


def _in_order(renderer: Renderer, recipes: list[Recipe]) -> list[Picture]:
    return sorted(renderer.render(recipes), key=lambda picture: picture.index)


def _psnr(ours: list[Any], theirs: list[Any]) -> float | str:
    """The lowest of all cells, in dB."""
    lowest = min(compare(one, other).psnr for one, other in zip(ours, theirs, strict=True))
    return "identical" if math.isinf(lowest) else round(lowest, 1)


def _keeping(place: Path, base: Base, pictures: list[Picture]) -> float:
    """Median seconds to encode a picture with its recipe, keep the file and write the row."""
    workspace = workspace_at(place / "workspace", {})
    workspace.prepare()
    seconds: list[float] = []
    for picture in pictures:
        started = time.perf_counter()
        kept = keep_picture(workspace, Job(picture.recipe, workspace.root / "pictures" / "grid", ""), picture)
        record(workspace, base, kept)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _style(base: Base, path: Path) -> str:
    """A style of the base's own default targets with small random matrices; its tensor hash."""
    kind = family(base.family)
    loaded = kind.load(base)
    paths = loaded.target_modules(kind.teach_defaults(base).targets)
    made = lora.inject(loaded.denoiser, paths, rank=16, alpha=16, seed=0)
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: (down, torch.empty_like(up).normal_(std=0.01, generator=generator))
        for name, (down, up) in made.tensors().items()
    }
    return kind.write_style(path, tensors, alpha=16, metadata={})


def _loop(base: Base, path: Path, recipes: list[Recipe]) -> Callable[[], list[Any]]:
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

    def loop() -> list[Any]:
        pictures: list[Any] = []
        for recipe in recipes:
            pipe.set_adapters("style", adapter_weights=recipe.adapters[0].strength)
            with quiet_numpy():
                made = pipe(
                    recipe.prompt,
                    negative_prompt=recipe.negative_prompt,
                    num_inference_steps=recipe.steps,
                    guidance_scale=recipe.cfg,
                    height=recipe.height,
                    width=recipe.width,
                    generator=torch.Generator().manual_seed(recipe.seed),
                    output_type="np",
                )
            pictures.append(np.rint(made.images[0] * 255).astype(np.uint8))
        return pictures

    return loop


if __name__ == "__main__":
    main()
