"""Seconds a training step and peak memory, beside a plain peft + diffusers loop at the same settings.

    python benchmarks/training.py BASE_FOLDER PICTURES_FOLDER --trigger sportrait-laz --steps 20 --rounds 5

Each measurement is a process of its own; the two take turns, so that what else the machine does meets both
alike. The ratio is the median over rounds of ours / reference: below 1 is faster, or smaller. The reference
does what diffusers' examples/text_to_image/train_text_to_image_lora.py does, given the same cache: LoRA
through peft, AdamW, min-SNR left out on both sides. Processor seconds tell more than wall seconds on a
machine that is doing something else.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duktus.domain.style import TeachSettings
    from duktus.training import TrainingSet

WARM_UP = 3


def main() -> None:
    """Measure, or take turns measuring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--trigger", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["duktus", "reference"])
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options)))
        return
    rounds = [{who: turn(who) for who in ("duktus", "reference")} for _ in range(options.rounds)]
    for what, unit in (
        ("seconds_per_step", "seconds a step"),
        ("processor_seconds_per_step", "processor seconds a step"),
        ("peak_bytes", "bytes at peak"),
    ):
        ours, theirs = ([each[who][what] for each in rounds] for who in ("duktus", "reference"))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(
            f"{unit}: duktus {statistics.median(ours):.4g}, reference {statistics.median(theirs):.4g}, "
            f"ratio {ratio:.3f} (n = {len(rounds)} rounds of {options.steps} steps)"
        )


def turn(who: str) -> dict[str, float]:
    """One measurement in a fresh process."""
    command = [sys.executable, *sys.argv, "--only", who]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    return result


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Seconds a step (mean after the warm-up) and peak resident memory of this process."""
    from duktus.domain.style import TeachSettings
    from duktus.families import registry
    from duktus.training import read_training_set

    family = registry.family_of(options.base)
    base = family.describe(options.base, "base")
    defaults = family.teach_defaults(base)
    settings = TeachSettings(
        trigger=options.trigger,
        steps=options.steps,
        learning_rate=defaults.learning_rate,
        batch=defaults.batch,
        resolution=defaults.resolution,
        targets=defaults.targets,
        min_snr_gamma=None,
    )
    pictures = read_training_set(
        options.pictures, trigger=options.trigger, template="{trigger}", resolution=settings.resolution
    )
    loaded = family.load(base)
    step = {"duktus": our_step, "reference": reference_step}[options.only](loaded, pictures, settings)
    for _ in range(WARM_UP):
        step()
    started, worked = time.perf_counter(), time.process_time()
    for _ in range(options.steps):
        step()
    seconds = (time.perf_counter() - started) / options.steps
    work = (time.process_time() - worked) / options.steps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds_per_step": seconds,
        "processor_seconds_per_step": work,
        "peak_bytes": peak if sys.platform == "darwin" else peak * 1024,
    }


def our_step(loaded: Any, pictures: TrainingSet, settings: TeachSettings) -> Callable[[], object]:
    """A step of duktus' own loop."""
    from duktus.training.cache import build_cache
    from duktus.training.loop import Trainer

    return Trainer(loaded, build_cache(loaded, pictures, None, settings), settings).advance


def reference_step(loaded: Any, pictures: TrainingSet, settings: TeachSettings) -> Callable[[], object]:
    """A step of a plain loop on the same U-Net, cached in the same way, the adapter peft's."""
    import torch
    from peft import LoraConfig

    from duktus.training.cache import build_cache

    cache = build_cache(loaded, pictures, None, settings)
    targets = list(loaded.target_modules(settings.targets))
    unet = loaded.denoiser
    unet.add_adapter(LoraConfig(r=settings.rank, lora_alpha=int(settings.alpha), target_modules=targets))
    parameters = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    count = len(cache.taught.picture)

    def step() -> None:
        rows = torch.randint(0, count, (settings.batch,)).tolist()
        mean, deviation = cache.taught.mean[rows], cache.taught.deviation[rows]
        latents = mean + deviation * torch.randn_like(mean)
        noise = torch.randn_like(latents)
        timesteps = torch.randint(0, 1000, (settings.batch,))
        text = cache.conditioning.rows([cache.taught.text[cache.taught.picture[row]] for row in rows])
        answer = loaded.predict(loaded.add_noise(latents, noise, timesteps), timesteps, text)
        target = loaded.training_target(latents, noise, timesteps)
        loss = torch.nn.functional.mse_loss(answer.float(), target.float())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()

    return step


if __name__ == "__main__":
    main()
