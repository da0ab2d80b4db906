"""SDXL as one file, in the spelling of Stability-AI/generative-models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.domain.base import Role
from duktus.families.roles import Told
from duktus.families.single_file import SingleFile
from duktus.families.unet.inpainting import TOLD, file_takes_a_mask

if TYPE_CHECKING:
    from duktus.families.safetensors_header import Header

SIZES = "model.diffusion_model.label_emb.0.0.weight"
FIRST = "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight"
SECOND = "conditioner.embedders.1.model.token_embedding.weight"
REFINER = "conditioner.embedders.0.model.token_embedding.weight"


def recognise(header: Header) -> SingleFile | None:
    """What the file is, when its U-Net takes a size conditioning: base and refiner by their encoders, and
    a base for inpainting by its first layer.
    """
    there = header.tensors
    if SIZES not in there:
        return None
    if FIRST in there and SECOND in there:
        if file_takes_a_mask(header):
            return SingleFile(
                "StableDiffusionXLInpaintPipeline", "diffusers/stable-diffusion-xl-1.0-inpainting-0.1", TOLD
            )
        return SingleFile("StableDiffusionXLPipeline", "stabilityai/stable-diffusion-xl-base-1.0")
    if REFINER in there:
        told = Told(Role.RENDER_ONLY, "It is SDXL's refiner, which finishes what SDXL base began.")
        return SingleFile(
            "StableDiffusionXLImg2ImgPipeline", "stabilityai/stable-diffusion-xl-refiner-1.0", told
        )
    return None
