"""What a Stable Diffusion 1.x folder holds, checked and hashed without torch."""

from __future__ import annotations

from pathlib import Path

from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import Targets
from duktus.families import diffusers_folder
from duktus.families.diffusers_folder import Weights, checked_files, read_note
from duktus.families.family import TeachDefaults
from duktus.families.folder_hash import read_json
from duktus.families.roles import Told, check_autoencoder, decided, told_by_unet_folder

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


def recognises(folder: Path) -> bool:
    """Whether the configs describe one U-Net with cross-attention to one CLIP text encoder."""
    try:
        index = read_json(folder / "model_index.json")
        unet = read_json(folder / "unet" / "config.json")
    except InputError:
        return False
    return (
        index.get("_class_name") == "StableDiffusionPipeline"
        and "text_encoder_2" not in index
        and unet.get("_class_name") == "UNet2DConditionModel"
        and any("CrossAttn" in str(block) for block in unet.get("down_block_types") or ())
        and unet.get("addition_embed_type") is None
        and not unet.get("use_linear_projection")  # Stable Diffusion 2.x
    )


def weights_of(folder: Path, network: str) -> Weights:
    """The weights file that loading will use; :class:`InputError` when it is missing or no safetensors."""
    return diffusers_folder.weights_of(folder, network, NETWORKS[network])


def describe(folder: Path, name: str, *, family: str, asked: Role | None) -> Base:
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
    note = read_note(folder)
    told = Told(note.role, "Its duktus.json says so.") if note.role else told_by_unet_folder(folder)
    role = decided(told, asked, name)  # before the hash, which takes a while
    return Base(
        name=name,
        family=family,
        weights=files.hash(),
        folder=folder.absolute(),
        role=role,
        render=note.render or _render_defaults(folder),
    )


def _check_text_encoder(folder: Path) -> None:
    given = read_json(folder / "text_encoder" / "config.json").get("hidden_size")
    taken = read_json(folder / "unet" / "config.json").get("cross_attention_dim")
    if given != taken:
        raise InputError(
            f"The text encoder of {folder} does not fit its U-Net:",
            f"it gives {given} numbers a token, the U-Net takes {taken}.",
            "Copy or download the base again, with the text encoder it was trained with.",
        )


def teach_defaults(folder: Path) -> TeachDefaults:
    """From ``duktus.json`` when it has them, else the family's."""
    teach = read_note(folder).teach
    return FAMILY_TEACH if teach is None else TeachDefaults(**teach.model_dump())


def _render_defaults(folder: Path) -> RenderDefaults:
    """The family's, at the size the U-Net was made for."""
    size = int(read_json(folder / "unet" / "config.json").get("sample_size") or 64)
    scale = 2 ** (len(read_json(folder / "vae" / "config.json").get("block_out_channels") or [0] * 4) - 1)
    return FAMILY_RENDER.model_copy(update={"width": size * scale, "height": size * scale})
