"""A drawn world of portraits: what the miniature is trained on, and what it is measured with."""

from __future__ import annotations

from duktus.miniature.world.captions import caption, content_caption, full_caption
from duktus.miniature.world.checks import Checks, check
from duktus.miniature.world.drawing import draw
from duktus.miniature.world.portrait import (
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
from duktus.miniature.world.textures import texture

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
    "content_caption",
    "draw",
    "full_caption",
    "sample_portrait",
    "texture",
]
