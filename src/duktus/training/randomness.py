"""Every random number of a run follows from names and counters, never from what was drawn before.

So a checkpoint needs no generator states: the step number says it all, and a resumed run draws what the
uninterrupted one would have drawn.
"""

from __future__ import annotations

import hashlib

import torch


def number_for(*parts: str | int) -> int:
    """A 63-bit number that these parts, in this order, always give."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def generator_for(*parts: str | int) -> torch.Generator:
    """A fresh CPU generator, seeded by these parts."""
    return torch.Generator("cpu").manual_seed(number_for(*parts))
