"""The pictures: drawn once by several processes into memory-mapped arrays, item by item resumable.

`portraits.npy` and `textures.npy` are (n, 128, 128, 3) uint8; `done_*.npy` marks finished items.
Item i depends on (seed, i) only, so the number of processes and an interruption change nothing.
Only the trained media are drawn: no network ever sees a held-out one.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duktus.miniature.world import TRAINED_MEDIA, Medium, Portrait, Turn, draw, sample_portrait, texture
from tools.miniature.progress import Log

SIZE = 128
Pictures = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn."""

    portraits: int = 12_000
    textures: int = 3_600
    seed: int = 2026


def portrait_of(seed: int, index: int, media: Sequence[Medium] = TRAINED_MEDIA) -> Portrait:
    """The portrait with this index; the same for ever."""
    return sample_portrait(np.random.default_rng([seed, index]), media)


def fresh(seed: int, count: int, media: Sequence[Medium]) -> tuple[list[Portrait], Pictures]:
    """Portraits outside the training data (another seed) and their pictures (count, 128, 128, 3)."""
    portraits = [portrait_of(seed, i, media) for i in range(count)]
    return portraits, np.stack([draw(p, seed * 1_000_003 + i, SIZE) for i, p in enumerate(portraits)])


def mirrored(portrait: Portrait) -> Portrait:
    """The portrait whose picture is the mirror image: left and right change places."""
    turn = {Turn.LEFT: Turn.RIGHT, Turn.RIGHT: Turn.LEFT, Turn.FRONT: Turn.FRONT}[portrait.turn]
    return dataclasses.replace(portrait, turn=turn)


def _open(folder: Path, name: str, shape: tuple[int, ...]) -> np.memmap:
    path = folder / f"{name}.npy"
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)


def _draw_share(folder: Path, plan: Plan, worker: int, workers: int) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    for kind, count in (("textures", plan.textures), ("portraits", plan.portraits)):
        pictures = np.lib.format.open_memmap(folder / f"{kind}.npy", mode="r+")
        done = np.lib.format.open_memmap(folder / f"done_{kind}.npy", mode="r+")
        for i in range(worker, count, workers):
            if not done[i]:
                seed = plan.seed * 1_000_003 + i
                if kind == "portraits":
                    pictures[i] = draw(portrait_of(plan.seed, i), seed, SIZE)
                else:
                    pictures[i] = texture(seed, SIZE)
                done[i] = 1


def draw_all(folder: Path, plan: Plan, log: Log, workers: int = 2) -> tuple[Pictures, Pictures]:
    """Draws what is missing; returns portraits and textures as read-only memory maps."""
    folder.mkdir(parents=True, exist_ok=True)
    recorded = folder / "plan.json"
    text = json.dumps(dataclasses.asdict(plan))
    if recorded.exists() and recorded.read_text(encoding="utf-8") != text:
        raise SystemExit(
            f"{folder} holds other data: {recorded.read_text(encoding='utf-8')}; use another --work"
        )
    counts = {"portraits": plan.portraits, "textures": plan.textures}
    flags = {}
    for kind, count in counts.items():
        _open(folder, kind, (count, SIZE, SIZE, 3))
        flags[kind] = _open(folder, f"done_{kind}", (count,))
    recorded.write_text(text, encoding="utf-8")
    started, before = time.monotonic(), sum(int(f.sum()) for f in flags.values())
    total = sum(counts.values())
    if before < total:
        context = multiprocessing.get_context("spawn")
        jobs = [context.Process(target=_draw_share, args=(folder, plan, k, workers)) for k in range(workers)]
        for job in jobs:
            job.start()
        while any(job.is_alive() for job in jobs):
            jobs[0].join(20)
            done = sum(int(f.sum()) for f in flags.values())
            pace = (done - before) / (time.monotonic() - started)
            log(f"drawing: {done}/{total}, {pace:.0f}/s, left {(total - done) / max(pace, 1e-6):.0f} s")
            if jobs[0].exitcode is not None:
                for job in jobs:
                    job.join()
        if any(job.exitcode for job in jobs):
            raise SystemExit("drawing failed; see the error above")
    return (
        np.load(folder / "portraits.npy", mmap_mode="r"),
        np.load(folder / "textures.npy", mmap_mode="r"),
    )
