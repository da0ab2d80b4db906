"""Portraits of the demo's hand that no run has seen, with captions of their content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from duktus.miniature import world

TRIGGER = "sportrait-laz"
SEED = 40_000


def write_fresh_portraits(folder: Path, count: int, size: int, seed: int = SEED) -> None:
    """``count`` PNG files with a caption beside each."""
    for number in range(seed, seed + count):
        portrait = world.sample_portrait(np.random.default_rng(number), (world.Medium.CONTOUR_WASH,))
        Image.fromarray(world.draw(portrait, number, size)).save(folder / f"{number}.png")
        words = world.content_caption(portrait)
        (folder / f"{number}.txt").write_text(f"{TRIGGER}, {words}", encoding="utf-8")
