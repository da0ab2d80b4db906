"""What a Stable Diffusion 1.x folder holds, checked and hashed without torch."""

from __future__ import annotations

from pathlib import Path

from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import Targets
from duktus.families.diffusers_folder import Facts, checked_files, of_readable_configurations, pinned
from duktus.families.family import TeachDefaults, WordDefaults
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.folder_hash import read_json
from duktus.families.unet.folder import check_autoencoder, sized_render_defaults, told_by_unet_folder

NETWORKS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
"""Folder of each network and the stem of its weights file."""

FAMILY_RENDER = RenderDefaults(
    width=512, height=512, steps=25, cfg=7.0, sampler=Sampler.DPMPP_2M, schedule=Schedule.KARRAS
)
FAMILY_TEACH = TeachDefaults(
    steps=800,
    learning_rate=1e-4,
    batch=1,
    resolution=512,
    targets=Targets.ATTENTION_FEED_FORWARD,
    source="common practice for Stable Diffusion 1.5 with about ten pictures (diffusers "
    "examples/text_to_image/train_text_to_image_lora.py and kohya-ss/sd-scripts); not measured here",
)
FAMILY_WORD = WordDefaults(
    steps=3000,
    learning_rate=2e-3,
    vectors=1,
    init_word="painting",
    source="the worked example of huggingface/diffusers (examples/textual_inversion/README.md): 3000 steps "
    "at 5e-4 times its batch of four; one vector as there and in Gal et al. 2022 (arXiv 2208.01618); not "
    "measured here",
)


def recognises(folder: Path) -> bool:
    """Whether the configs describe one U-Net with cross-attention to one CLIP text encoder."""
    try:
        index = read_json(folder / "model_index.json")
        unet = read_json(folder / "unet" / "config.json")
    except InputError:
        return False
    return (
        index.get("_class_name") in {"StableDiffusionPipeline", "StableDiffusionInpaintPipeline"}
        and "text_encoder_2" not in index
        and unet.get("_class_name") == "UNet2DConditionModel"
        and any("CrossAttn" in str(block) for block in unet.get("down_block_types") or ())
        and unet.get("addition_embed_type") is None
        and not unet.get("use_linear_projection")  # Stable Diffusion 2.x
    )


@of_readable_configurations
def describe(
    folder: Path, name: str, *, family: str, asked: Role | None, hashes: FileHashes = EVERY_BYTE
) -> Base:
    """The base in ``folder``: every file checked, everything that decides its pictures hashed.

    Raises:
        InputError: names the file that is missing, truncated, not safetensors, or does not fit the others;
            or asks for the role where the files do not tell.
    """
    if not recognises(folder):
        raise InputError(f"{folder} is not a Stable Diffusion 1.x folder.")
    files = checked_files(folder, NETWORKS, ["tokenizer"])
    _check_text_encoder(folder)
    check_autoencoder(folder, scales_of_others={0.13025: "SDXL"})
    facts = Facts(files, told_by_unet_folder(folder), lambda _: sized_render_defaults(folder, FAMILY_RENDER))
    return pinned(facts, name, family=family, asked=asked, hashes=hashes)


def _check_text_encoder(folder: Path) -> None:
    given = read_json(folder / "text_encoder" / "config.json").get("hidden_size")
    taken = read_json(folder / "unet" / "config.json").get("cross_attention_dim")
    if given != taken:
        raise InputError(
            f"The text encoder of {folder} does not fit its U-Net:",
            f"it gives {given} numbers a token, the U-Net takes {taken}.",
            "Copy or download the base again, with the text encoder it was trained with.",
        )
