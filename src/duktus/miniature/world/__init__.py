"""A drawn world of portraits: what the miniature is trained on, and what it is measured with."""

from __future__ import annotations

from .captions import caption, full_caption
from .checks import Checks, check
from .drawing import draw
from .portrait import (
    HELD_OUT_MEDIA,
    TRAINED_MEDIA,
    BackgroundColour,
    ClothesColour,
    Expression,
    Garment,
    HairColour,
    HairLength,
    Medium,
    Person,
    Portrait,
    Skin,
    Turn,
    sample_portrait,
)
from .textures import texture

__all__ = [
    "HELD_OUT_MEDIA",
    "TRAINED_MEDIA",
    "BackgroundColour",
    "Checks",
    "ClothesColour",
    "Expression",
    "Garment",
    "HairColour",
    "HairLength",
    "Medium",
    "Person",
    "Portrait",
    "Skin",
    "Turn",
    "caption",
    "check",
    "draw",
    "full_caption",
    "sample_portrait",
    "texture",
]
