"""Seconds a step and peak memory of teaching, beside a plain reproduction of diffusers' own LoRA script.

    python benchmarks/training.py [--steps 300] [--rounds 1] [--base sdxl] [--dtype auto] [--bare]

Whole processes, one after the other, on the same weights, pictures and captions: from the start of Python to
the finished style file. The reference is ``benchmarks/diffusers_lora.py``, whose docstring says what it keeps
of the script and what it leaves out. Alike on both sides: the weights, rank 16 = alpha, batch, resolution,
learning rate, min-SNR, AdamW with its weight decay, attention as the targets (the script knows no others),
the number of steps. Different: duktus is run as people run it, in the arithmetic that it chooses for this
machine (``--dtype float32``: in the script's default), with its pre-flight (trial steps, a saved and reloaded
checkpoint), a look at held-out pictures every 25 steps, checkpoints, the export that is read back, eight to
sixteen drafts for the verdict and its record in the archive; the script does none of this. ``--bare`` turns
evaluation off as far as settings can.

Seconds are of the clock; processor seconds tell more on a machine that is doing something else. Peak memory
is the largest resident set of the process, as the kernel counted it (Linux); "imports" is what both hold
before anything is loaded. ``--base sdxl`` is a small SDXL with random weights.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from duktus.families import registry
from duktus.families.family import TeachDefaults
from duktus.miniature import portraits_folder, weights_folder

HERE = Path(__file__).parent
TRIGGER = "sportrait-laz"
RANK = 16
OURS = """
import json, sys
import duktus

asked = json.loads(sys.argv[1])
workspace = duktus.open(asked["workspace"])
workspace.teach(asked["pictures"], name="measured", trigger=asked["trigger"], **asked["settings"])
"""

IMPORTS = "from diffusers import AutoencoderKL, UNet2DConditionModel; from transformers import CLIPTextModel"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one process took."""

    seconds: float
    processor: float
    peak: int


def main() -> None:
    """Take turns, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--base", choices=["miniature", "sdxl"], default="miniature")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--dtype", default="auto")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = weights_folder() if asked.base == "miniature" else small_sdxl(folder / "base")
        pictures = captioned(folder / "pictures")
        rounds: list[dict[str, Taken]] = []
        for number in range(asked.rounds):
            out = folder / str(number)
            rounds.append(
                {
                    "duktus": ours(base, pictures, out / "workspace", asked),
                    "reference": theirs(base, pictures, out / "reference", asked),
                }
            )
            told = {who: [one.seconds, one.processor, one.peak] for who, one in rounds[-1].items()}
            print(json.dumps(told), flush=True)
        print(f"imports: {taken([sys.executable, '-c', IMPORTS]).peak / 2**20:.0f} MiB")
    for what, unit, scale in (
        ("seconds", "seconds a step", asked.steps),
        ("processor", "processor seconds a step", asked.steps),
        ("peak", "MiB at peak", 2**20),
    ):
        mine = [getattr(each["duktus"], what) / scale for each in rounds]
        other = [getattr(each["reference"], what) / scale for each in rounds]
        ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
        print(
            f"{unit}: duktus {statistics.median(mine):.4g}, reference {statistics.median(other):.4g}, "
            f"ratio {ratio:.3f} (n = {len(rounds)} of {asked.steps} steps, start and end included)"
        )


def ours(base: Path, pictures: Path, workspace: Path, asked: argparse.Namespace) -> Taken:
    """A style taught by duktus in a workspace of its own."""
    workspace.mkdir(parents=True)
    (workspace / "duktus.toml").write_text(f'base = "measured"\n[bases.measured]\nfolder = "{base}"\n')
    known = defaults(base)
    settings = {
        "steps": asked.steps,
        "batch": known.batch,
        "resolution": known.resolution,
        "learning_rate": known.learning_rate,
        "min_snr_gamma": known.min_snr_gamma,
        "rank": RANK,
        "targets": "attention",
        "patience": None,
        "dtype": asked.dtype,
    }
    if asked.bare:
        settings |= {"evaluate_every": asked.steps, "held_out": 0}
    given = {"workspace": str(workspace), "pictures": str(pictures), "trigger": TRIGGER, "settings": settings}
    return taken([sys.executable, "-c", OURS, json.dumps(given)])


def theirs(base: Path, pictures: Path, out: Path, asked: argparse.Namespace) -> Taken:
    """The same by the reproduction of the script."""
    known = defaults(base)
    command = [sys.executable, str(HERE / "diffusers_lora.py"), str(base), str(pictures), "--out", str(out)]
    command += ["--resolution", str(known.resolution), "--batch", str(known.batch), "--rank", str(RANK)]
    command += ["--steps", str(asked.steps), "--learning-rate", str(known.learning_rate)]
    if known.min_snr_gamma is not None:
        command += ["--snr-gamma", str(known.min_snr_gamma)]
    return taken(command)


def taken(command: list[str]) -> Taken:
    """Run it to its end; SystemExit with its last words when it failed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(command, stdout=words, stderr=words)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            words.seek(0)
            raise SystemExit(words.read()[-3000:])
    return Taken(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def defaults(base: Path) -> TeachDefaults:
    """What duktus teaches this base with, at 128 pixels."""
    family = registry.family_of(base)
    return replace(family.teach_defaults(family.describe(base, "measured")), resolution=128)


def small_sdxl(folder: Path) -> Path:
    """A small SDXL with random weights, to be taught at 128 pixels."""
    from tests.support.tiny_sdxl import write_tiny_sdxl

    return write_tiny_sdxl(folder)


def captioned(folder: Path) -> Path:
    """Eight sample portraits, the trigger word in each caption: the script ends every round of the pictures
    with what is left of a batch, and eight leave nothing.
    """
    shutil.copytree(portraits_folder(), folder)
    for path in folder.glob("portrait-9.*"):
        path.unlink()
    for path in folder.glob("*.txt"):
        path.write_text(f"{TRIGGER}, {path.read_text(encoding='utf-8').strip()}", encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
