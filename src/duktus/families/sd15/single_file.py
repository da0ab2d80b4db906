"""Stable Diffusion 1.x as one file, in the spelling of CompVis/stable-diffusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.families.single_file import SingleFile
from duktus.families.unet.inpainting import TOLD, file_takes_a_mask

if TYPE_CHECKING:
    from duktus.families.safetensors_header import Header

CROSS = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
IN_PROJECTION = "model.diffusion_model.input_blocks.1.1.proj_in.weight"
TEXT = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"


def recognise(header: Header) -> SingleFile | None:
    """What the file is, when its U-Net reads one CLIP text encoder of its own width and projects with
    convolutions (Stable Diffusion 2.x has another encoder and projects with matrices).
    """
    cross, text, projection = (header.tensors.get(name) for name in (CROSS, TEXT, IN_PROJECTION))
    if cross is None or text is None or projection is None:
        return None
    if len(projection.shape) != 4 or cross.shape[-1] != text.shape[-1]:
        return None
    if file_takes_a_mask(header):
        return SingleFile(
            "StableDiffusionInpaintPipeline", "stable-diffusion-v1-5/stable-diffusion-inpainting", TOLD
        )
    return SingleFile("StableDiffusionPipeline", "stable-diffusion-v1-5/stable-diffusion-v1-5")
