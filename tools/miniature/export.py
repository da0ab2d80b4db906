"""Writes the standard diffusers folder in half precision, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline


def export(pipe: StableDiffusionPipeline, vocabulary: Path, out: Path) -> float:
    """Replaces the model folders in `out` (other files stay); returns MB written.

    `vocabulary` holds vocab.json and merges.txt, which many programs read instead of tokenizer.json.
    """
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    pipe.to("cpu", torch.float16).save_pretrained(part, safe_serialization=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(vocabulary / name, part / "tokenizer" / name)
    out.mkdir(parents=True, exist_ok=True)
    for item in sorted(part.iterdir()):
        target = out / item.name
        if target.is_dir():
            shutil.rmtree(target)
        item.replace(target)
    part.rmdir()
    return sum(f.stat().st_size for f in out.rglob("*") if f.is_file()) / 1e6
