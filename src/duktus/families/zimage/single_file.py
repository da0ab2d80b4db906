"""Z-Image's transformer as one file, in the spelling it was first published in or in diffusers'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.families.single_file import Parts, SingleFile, denoiser_in
from duktus.families.zimage.folder import NETWORKS

if TYPE_CHECKING:
    from duktus.families.safetensors_header import Header

NAMES = ("cap_embedder.1.weight", "layers.0.feed_forward.w1.weight", "noise_refiner.0.attention_norm1.weight")
PICTURE = ("x_embedder.weight", "all_x_embedder.2-1.weight")
QUERY = ("layers.0.attention.qkv.weight", "layers.0.attention.to_q.weight")
PADDING = "cap_pad_token"
"""Lumina 2, whose names are the same otherwise, does not pad its texts with a learned token."""
OMNI = "siglip_embedder.1.weight"
"""Z-Image-Omni also sees pictures."""
REST = Parts({part: stem for part, stem in NETWORKS.items() if part != "transformer"}, ("tokenizer",))


def recognise(header: Header) -> SingleFile | None:
    """What the file is, when it holds Z-Image's transformer; base, Turbo and De-Turbo look the same."""
    there = denoiser_in(header)
    if not all(name in there for name in (*NAMES, PADDING)) or OMNI in there:
        return None
    if not any(name in there for name in PICTURE) or not any(name in there for name in QUERY):
        return None
    return SingleFile("ZImagePipeline", "Tongyi-MAI/Z-Image", lacks=REST)
