"""Clip skip: at which layer of its CLIP text encoders a family reads a text. No torch.

Counted as A1111 does (AUTOMATIC1111/stable-diffusion-webui, modules/sd_hijack_clip.py): 1 is the last layer,
2 the one before it. Stable Diffusion 1.x reads at 1, and an earlier layer goes through the encoder's last
norm. SDXL reads both encoders at 2 without that norm, and 1 means the same, as in Forge
(backend/diffusion_engine/sdxl.py: ``minimal_clip_skip=2, final_layer_norm=False``); A1111 itself leaves SDXL
at 2, unless its option ``sdxl_clip_l_skip`` moves the first encoder. diffusers counts the layers left out
beyond a family's own (``encode_prompt`` of its pipelines): its ``clip_skip=1`` is 2 here for Stable Diffusion
1.x and 3 for SDXL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.families.folder_hash import read_json

if TYPE_CHECKING:
    from pathlib import Path

CLIP_LARGE = 12
"""Layers where a configuration does not say: those of the encoder that both families have."""


@dataclass(frozen=True, slots=True)
class ClipLayers:
    """The layer at which a base reads by itself, and the earliest at which it could."""

    own: int
    most: int


def clip_layers(folder: Path, own: int) -> ClipLayers:
    """From the configurations of the text encoders in a diffusers folder."""
    found = [read_json(path) for path in sorted(folder.glob("text_encoder*/config.json"))]
    return ClipLayers(own, min(int(one.get("num_hidden_layers") or CLIP_LARGE) for one in found))
