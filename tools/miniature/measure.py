"""The quality report: asked against got on fresh prompts, fidelity of the autoencoder, speed.

Every number comes from portraits that no network saw: their seeds differ from the training data's.
"""

from __future__ import annotations

import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor

from duktus.miniature.world import HELD_OUT_MEDIA, TRAINED_MEDIA, Portrait, check, full_caption
from tools.miniature.autoencoder import psnr, reconstruct, to_tensor
from tools.miniature.data import Pictures, fresh, portrait_of
from tools.miniature.progress import Log
from tools.miniature.sheet import write_sheet
from tools.miniature.trainer import device_of
from tools.miniature.unet import sample

ASKED, DRAWN_TRAINED, DRAWN_HELD_OUT = 910_001, 910_002, 910_003
"""Seeds of the fresh prompts and of the fresh pictures."""


def to_bytes(pictures: Tensor) -> Pictures:
    """(n, 3, h, w) in -1..1 to (n, h, w, 3) bytes."""
    scaled = ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return np.ascontiguousarray(scaled.numpy())


def shares(pictures: Pictures, portraits: list[Portrait]) -> dict[str, float]:
    """How many of the pictures show what was asked for, 0..1 for each thing that can be read."""
    found = [check(p, q) for p, q in zip(pictures, portraits, strict=True)]
    names = ("background_colour", "hair_colour", "medium")
    return {name: round(float(np.mean([getattr(f, name) for f in found])), 4) for name in names}


def _by_medium(pictures: Pictures, portraits: list[Portrait]) -> dict[str, dict[str, float]]:
    out = {}
    for medium in TRAINED_MEDIA:
        chosen = [i for i, p in enumerate(portraits) if p.medium is medium]
        if chosen:
            out[str(medium)] = shares(pictures[chosen], [portraits[i] for i in chosen])
    return out


def _fidelity(pipe: StableDiffusionPipeline, where: Path) -> dict[str, Any]:
    """PSNR through the autoencoder, and what `check` still reads of the drawn pictures behind it."""
    out: dict[str, Any] = {}
    rows: list[Tensor] = []
    for name, seed, media in (
        ("trained_media", DRAWN_TRAINED, TRAINED_MEDIA),
        ("held_out_media", DRAWN_HELD_OUT, HELD_OUT_MEDIA),
    ):
        portraits, pictures = fresh(seed, 48, media)
        real = to_tensor(pictures)
        got = reconstruct(pipe.vae, real)
        values = psnr(got, real)
        per_medium = {
            str(m): round(float(values[[i for i, p in enumerate(portraits) if p.medium is m]].mean()), 2)
            for m in media
        }
        out[name] = {"psnr_db": round(float(values.mean()), 2), "by_medium": per_medium}
        if name == "trained_media":
            out[name]["readings_after_it"] = shares(to_bytes(got), portraits)
            out[name]["readings_before_it"] = shares(pictures, portraits)
        rows += [real[:8], got[:8]]
    write_sheet(where / "autoencoder.png", rows)
    return out


def measure(
    folder: Path,
    count: int,
    log: Log,
    device_name: str = "auto",
    cfg: float = 3.0,
    steps: int = 20,
    where: Path | None = None,
    karras: bool = False,
) -> dict[str, Any]:
    """Writes report.json, samples.png and autoencoder.png to `where` (default: `folder`)."""
    where = where or folder
    where.mkdir(parents=True, exist_ok=True)
    device = device_of(device_name)
    pipe = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32).to(device)
    portraits = [portrait_of(ASKED, i) for i in range(count)]
    prompts = [full_caption(p) for p in portraits]
    sample(pipe, prompts[:1], [0], steps, cfg, karras)
    times = []
    for i in range(11):
        started = time.perf_counter()
        sample(pipe, prompts[i : i + 1], [i], steps, cfg, karras)
        times.append(time.perf_counter() - started)
    parts = []
    for start in range(0, count, 8):
        parts.append(
            sample(
                pipe,
                prompts[start : start + 8],
                list(range(start, min(count, start + 8))),
                steps,
                cfg,
                karras,
            )
        )
        if start % 40 == 0:
            log(f"measure: {start}/{count}")
    pictures = torch.cat(parts)
    drawn = to_bytes(pictures)
    report = {
        "prompts": count,
        "sampler": f"DPM++ 2M{' Karras' if karras else ''}, {steps} steps, cfg {cfg:g}",
        "asked_against_got": shares(drawn, portraits),
        "by_medium": _by_medium(drawn, portraits),
        "autoencoder": _fidelity(pipe, where),
        "seconds_per_picture": round(statistics.median(times), 3),
        "seconds_of": len(times),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "megabytes": round(sum(f.stat().st_size for f in folder.rglob("*.safetensors")) / 1e6, 1),
    }
    write_sheet(where / "samples.png", list(pictures[: count // 8 * 8].unflatten(0, (-1, 8))[:10]))
    (where / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    log(json.dumps(report))
    return report
