"""What a single .safetensors file is: told by its tensors, never by how it is called. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.families.roles import Told
from duktus.families.safetensors_header import Header, TensorEntry, read_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LORA_MARKS = (".lora_down", ".lora_up", ".lora_A", ".lora_B", ".lora.", "_lora.", ".lora_linear_layer.",
              ".hada_w1", ".lokr_w", ".oft_", ".dora_scale")  # fmt: skip
DENOISER = ("model.diffusion_model.", "double_blocks.", "layers.", "transformer_blocks.", "down_blocks.")
AUTOENCODER = ("first_stage_model.", "vae.", "encoder.", "decoder.")
TEXT = ("cond_stage_model.", "conditioner.", "text_encoders.")
TEXT_ALONE = ("text_model.", "embeddings.token_embedding.", "shared.", "encoder.block.",
              "encoder.embed_tokens.", "model.embed_tokens.", "embed_tokens.")  # fmt: skip
"""How files of CLIP, T5 or Qwen3 alone begin."""
EMBEDDINGS = {"emb_params", "clip_l", "clip_g"}
"""The only tensors of a textual inversion, as A1111 and kohya-ss/sd-scripts write it."""
DENOISER_PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.")
PICKLES = {".ckpt", ".bin", ".pt", ".pth", ".pkl"}

UNTOLD = Told(
    None,
    "A single file holds no sampler settings, and distilled models have the same tensors as the models they "
    "come from.",
)

KNOWN_FILES: dict[str, tuple[str, Role]] = {
    "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa": (
        "Stable Diffusion 1.5", Role.TEACH_AND_RENDER,
    ),
    "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b": (
        "SDXL base 1.0", Role.TEACH_AND_RENDER,
    ),
    "7440042bbdc8a24813002c09b6b69b64dc90fded4472613437b7f55f9b7d9c5f": (
        "SDXL refiner 1.0", Role.RENDER_ONLY,
    ),
    "e869ac7d6942cb327d68d5ed83a40447aadf20e0c3358d98b2cc9e270db0da26": (
        "SDXL Turbo 1.0", Role.RENDER_ONLY,
    ),
    "9403429e0052277ac2a87ad800adece5481eecefd9ed334e1f348723621d2a0a": (
        "FLUX.1 [schnell]", Role.RENDER_ONLY,
    ),
    "2407613050b809ffdff18a4ac99af83ea6b95443ecebdf80e064a79c825574a6": (
        "Z-Image-Turbo", Role.RENDER_ONLY,
    ),
}  # fmt: skip
"""SHA-256 of files as their makers publish them on huggingface.co: stable-diffusion-v1-5 of the owner of that
name, stabilityai's stable-diffusion-xl-base-1.0, stable-diffusion-xl-refiner-1.0 and sdxl-turbo,
black-forest-labs' FLUX.1-schnell, and Z-Image-Turbo as Comfy-Org/z_image_turbo has it in bfloat16."""


@dataclass(frozen=True, slots=True)
class SingleFile:
    """What a family says of a single file that it recognises."""

    pipeline: str
    """diffusers' class that reads it."""
    configuration: str
    """The hub id whose configurations and vocabulary belong to it; the weights do not come from there."""
    told: Told = UNTOLD
    lacks: Parts | None = None
    """What has to come from elsewhere, where such files hold the denoiser alone; None when nothing is
    lacking."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a base has beside its denoiser."""

    networks: Mapping[str, str]
    """Folder of each other network and the stem of its weights file."""
    tokenizers: tuple[str, ...]


def told_by_hash(file_hash: str, told: Told) -> Told:
    """What the hash of a published file says, or else what was told before."""
    known = KNOWN_FILES.get(file_hash)
    return told if known is None else Told(known[1], f"It is {known[0]}, by the hash of its file.")


def checked_header(path: Path) -> Header:
    """The header of a file that could be a base.

    Raises:
        InputError: no file, a pickle, truncated, a style (LoRA), or a VAE alone.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file.", next_step="Name a file that is there.")
    if path.suffix.lower() in PICKLES:
        raise InputError(
            f"{path.name} is a Python pickle, not a safetensors file.",
            "A pickle can run any code when it is loaded, so duktus never opens one.",
            "Take the safetensors edition of this base.",
        )
    header = read_header(path)
    names = header.tensors
    if any(mark in name for name in names for mark in LORA_MARKS):
        raise InputError(
            f"{path.name} is a style (LoRA), not a base.",
            "It holds low-rank changes to the weights of a base, not the weights.",
            f"Bring it in as a style: duktus style import {path}",
        )
    if names and all(name in EMBEDDINGS for name in names):
        raise InputError(
            f"{path.name} is a textual inversion, not a base.",
            "It holds the vectors of one invented word.",
            "Name the whole base, or a diffusers folder.",
        )
    if _has(names, TEXT_ALONE) and not _has(names, DENOISER):
        raise InputError(
            f"{path.name} is a text encoder alone, not a base.",
            "It turns words into numbers; the network that draws is missing.",
            "Name the whole base, or a diffusers folder.",
        )
    if _has(names, AUTOENCODER) and not _has(names, DENOISER):
        raise InputError(
            f"{path.name} is a VAE alone, not a base.",
            "It turns latents into pictures; the network that draws is missing.",
            "Name the whole base, or a diffusers folder.",
        )
    return header


def check_parts(path: Path, header: Header) -> None:
    """:class:`InputError` when a denoiser is there without the autoencoder or the text encoder."""
    denoiser, autoencoder, text = (_has(header.tensors, part) for part in (DENOISER, AUTOENCODER, TEXT))
    if denoiser and not (autoencoder and text):
        lacking = " and ".join(
            word for word, there in (("its text encoder", text), ("its VAE", autoencoder)) if not there
        )
        raise InputError(
            f"{path.name} holds a denoiser without {lacking}.",
            "A base needs all of its parts to draw.",
            "Take the complete checkpoint, or the diffusers folder of this base.",
        )


def denoiser_prefix(header: Header) -> str:
    """What a program put before the names of the denoiser's tensors; empty where nothing stands there."""
    return next((prefix for prefix in DENOISER_PREFIXES if _has(header.tensors, (prefix,))), "")


def denoiser_in(header: Header) -> Mapping[str, TensorEntry]:
    """The denoiser's tensors without that prefix; where there is none, everything in the file."""
    prefix = denoiser_prefix(header)
    named = header.tensors.items()
    return {name.removeprefix(prefix): entry for name, entry in named if name.startswith(prefix)}


def unknown_architecture(path: Path, families: Iterable[str]) -> InputError:
    """The error for a whole file that no family recognises."""
    return InputError(
        f"{path.name} is of an architecture that duktus does not know.",
        f"Neither names nor shapes of its tensors are those of: {', '.join(sorted(families))}.",
        "Take a base of one of these families, or a diffusers folder of it.",
    )


def _has(names: Iterable[str], beginnings: tuple[str, ...]) -> bool:
    return any(name.startswith(beginnings) for name in names)
