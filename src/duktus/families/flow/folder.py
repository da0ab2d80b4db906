"""Whether the parts of a flow-matching folder belong together, from their configurations. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duktus.domain.errors import InputError
from duktus.families.diffusers_folder import missing
from duktus.families.folder_hash import read_json

SCALES_OF_OTHERS = {1.5305: "Stable Diffusion 3", 0.18215: "Stable Diffusion 1.x", 0.13025: "SDXL"}
"""``scaling_factor`` of autoencoders that are sometimes put into the wrong folder."""


def config_of(folder: Path, part: str) -> dict[str, Any]:
    """The configuration of one network; :class:`InputError` naming it when it is not there."""
    path = folder / part / "config.json"
    if not path.is_file():
        raise missing(folder, path.relative_to(folder).as_posix())
    return read_json(path)


def check_flow_autoencoder(folder: Path, channels: int) -> None:
    """:class:`InputError` when the VAE in the folder is not the one this transformer was trained with."""
    vae = config_of(folder, "vae")
    there = vae.get("latent_channels", 4)
    scale = vae.get("scaling_factor", 0.18215 if vae.get("_class_name") == "AutoencoderKL" else None)
    if there != channels:
        why = f"The transformer takes {channels} channels of latents, the VAE makes {there}."
    elif scale in SCALES_OF_OTHERS:
        why = f"Its scaling factor is {scale}, that of {SCALES_OF_OTHERS[scale]}'s."
    else:
        return
    raise InputError(
        f"The VAE in {folder} does not fit its transformer.",
        why,
        "Put in the VAE that belongs to this base.",
    )


def check_text_encoder(folder: Path, part: str, there: int, wanted: int) -> None:
    """:class:`InputError` when a text encoder gives other widths than the transformer takes."""
    if there != wanted:
        raise InputError(
            f"The text encoder {part}/ of {folder} does not fit its transformer:",
            f"it gives {there} numbers a token, the transformer takes {wanted}.",
            "Copy or download the base again, with the text encoders it was trained with.",
        )
