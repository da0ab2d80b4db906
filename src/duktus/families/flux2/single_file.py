"""FLUX.2 [klein]'s transformer as one file, in the spelling it was first published in or in diffusers'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.families.flux2.folder import NETWORKS
from duktus.families.single_file import Parts, SingleFile, denoiser_in

if TYPE_CHECKING:
    from duktus.families.safetensors_header import Header

MODULATIONS = ("double_stream_modulation_img.lin.weight", "double_stream_modulation_img.linear.weight")
"""As first published, and in diffusers' own spelling. FLUX.1 has modulations in every block instead."""
SINGLE = ("single_blocks.0.linear1.weight", "single_transformer_blocks.0.attn.to_qkv_mlp_proj.weight")
GUIDANCE = ("guidance_in.in_layer.weight", "time_guidance_embed.guidance_embedder.linear_1.weight")
"""FLUX.2 [dev] takes guidance, and its texts come from another encoder."""
REST = Parts({part: stem for part, stem in NETWORKS.items() if part != "transformer"}, ("tokenizer",))


def recognise(header: Header) -> SingleFile | None:
    """What the file is, when it holds FLUX.2 [klein]'s transformer; Base and distilled look the same."""
    there = denoiser_in(header)
    if not all(any(name in there for name in names) for names in (MODULATIONS, SINGLE)):
        return None
    if any(name in there for name in GUIDANCE):
        return None
    return SingleFile("Flux2KleinPipeline", "black-forest-labs/FLUX.2-klein-base-4B", lacks=REST)
