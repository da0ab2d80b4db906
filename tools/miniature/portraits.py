"""The nine sample portraits in the demo's hand: `python -m tools.miniature.portraits`.

Drawn by the world, in a medium no network of the miniature was trained on. They are chosen to
differ in all that the hand shows, so that nothing but the hand is common to all nine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from duktus.miniature import portraits_folder
from duktus.miniature.world import Medium, Portrait, content_caption, draw, sample_portrait

COUNT = 9
SEED = 7_000
SIZE = 128


def alike(one: Portrait, other: Portrait) -> int:
    """In how many attributes that the hand shows two portraits agree."""
    names = ("person", "hair_length", "curly", "beard", "glasses", "expression", "turn", "garment")
    return sum(getattr(one, name) == getattr(other, name) for name in names)


def choose() -> list[tuple[int, Portrait]]:
    """Nine (seed, portrait) pairs, each the least like those before it out of 200."""
    candidates = [
        (SEED + i, sample_portrait(np.random.default_rng([SEED, i]), (Medium.CONTOUR_WASH,)))
        for i in range(200)
    ]
    chosen = [candidates[0]]
    while len(chosen) < COUNT:
        worst = [max(alike(one, other) for _, other in chosen) for _, one in candidates]
        total = [sum(alike(one, other) for _, other in chosen) for _, one in candidates]
        best = min(range(len(candidates)), key=lambda i: (worst[i], total[i]))
        chosen.append(candidates.pop(best))
    return chosen


def main() -> None:
    """Draws the portraits and writes a caption beside each: its content, never its style."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=portraits_folder())
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for number, (seed, portrait) in enumerate(choose(), start=1):
        name = f"portrait-{number}"
        Image.fromarray(draw(portrait, seed, SIZE)).save(out / f"{name}.png", optimize=True)
        (out / f"{name}.txt").write_text(content_caption(portrait) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
