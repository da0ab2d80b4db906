"""FLUX.1's transformer as one file, in the spelling it was first published in or in diffusers'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.domain.base import Role
from duktus.families.flux.folder import NETWORKS, TOKENIZERS
from duktus.families.roles import Told
from duktus.families.single_file import UNTOLD, Parts, SingleFile, denoiser_in

if TYPE_CHECKING:
    from duktus.families.safetensors_header import Header

QUERIES = ("double_blocks.0.img_attn.qkv.weight", "transformer_blocks.0.attn.to_q.weight")
"""As first published, and in diffusers' own spelling."""
MODULATIONS = ("double_blocks.0.img_mod.lin.weight", "transformer_blocks.0.norm1.linear.weight")
SINGLE = ("single_blocks.0.linear1.weight", "single_transformer_blocks.0.attn.to_q.weight")
GUIDANCE = ("guidance_in.in_layer.weight", "time_text_embed.guidance_embedder.linear_1.weight")
REST = Parts({part: stem for part, stem in NETWORKS.items() if part != "transformer"}, TOKENIZERS)


def recognise(header: Header) -> SingleFile | None:
    """What the file is, when it holds FLUX.1's transformer of double and single blocks.

    FLUX.2 shares its modulations between the blocks, so its blocks have none of their own.
    """
    there = denoiser_in(header)
    if not all(any(name in there for name in names) for names in (QUERIES, MODULATIONS, SINGLE)):
        return None
    told = UNTOLD
    if any(name in there for name in GUIDANCE):
        told = Told(
            Role.TEACH_AND_RENDER,
            "Its transformer takes guidance as an input, as dev's does: not distilled to few steps.",
        )
    return SingleFile("FluxPipeline", "black-forest-labs/FLUX.1-dev", told, REST)
