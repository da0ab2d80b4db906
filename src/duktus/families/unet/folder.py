"""What the configurations of a Stable Diffusion folder say, whichever of the families it is of. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duktus.domain.base import RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.families.folder_hash import read_json
from duktus.families.roles import Told
from duktus.families.unet.inpainting import TOLD, takes_a_mask

if TYPE_CHECKING:
    from pathlib import Path

DISTILLED_SCHEDULERS = ("LCMScheduler", "TCDScheduler")
SHRINK = 8
"""Pixels per latent of the autoencoders that these families were made with."""


def told_by_unet_folder(folder: Path) -> Told:
    """What the configurations of a Stable Diffusion folder say of distillation.

    LCM networks take guidance as an input (``time_cond_proj_dim``, arXiv 2310.04378); SDXL Turbo comes with
    the ancestral Euler sampler on trailing timesteps (huggingface.co/stabilityai/sdxl-turbo). The sampler
    settings of plain bases are leading or evenly spaced.
    """
    unet, vae = (read_json(folder / part / "config.json") for part in ("unet", "vae"))
    noise = read_json(folder / "scheduler" / "scheduler_config.json")
    if takes_a_mask(unet, vae):
        return TOLD
    kind = str(noise.get("_class_name"))
    if unet.get("time_cond_proj_dim") is not None:
        return Told(Role.RENDER_ONLY, "Its U-Net takes guidance as an input: distilled, as LCM is.")
    if kind in DISTILLED_SCHEDULERS:
        return Told(Role.RENDER_ONLY, f"It comes with {kind}, which only distilled models use.")
    if noise.get("timestep_spacing") == "trailing" and noise.get("prediction_type") == "epsilon":
        if kind == "EulerAncestralDiscreteScheduler":
            return Told(Role.RENDER_ONLY, "Its sampler settings are those of a Turbo model: distilled.")
        return Told(None, "Its timesteps are trailing, as those of distilled models, but not only theirs.")
    return Told(Role.TEACH_AND_RENDER, "Its sampler settings are those of a model that is not distilled.")


def check_autoencoder(folder: Path, *, scales_of_others: dict[float, str]) -> None:
    """:class:`InputError` when the VAE in the folder is not the one this U-Net was trained with."""
    unet: dict[str, Any] = read_json(folder / "unet" / "config.json")
    vae: dict[str, Any] = read_json(folder / "vae" / "config.json")
    wanted, there = unet.get("in_channels", 4), vae.get("latent_channels", 4)
    if wanted != there and not takes_a_mask(unet, vae):
        raise InputError(
            f"The VAE does not fit the U-Net of {folder}.",
            f"The U-Net takes {wanted} channels, the VAE makes {there} "
            "(a U-Net for editing takes more than it makes; one for inpainting twice as many and one).",
            "Put in the VAE that belongs to this base, or take the plain edition of the base.",
        )
    scale = vae.get("scaling_factor", 0.18215)
    owner = scales_of_others.get(scale)
    if owner is not None:
        raise InputError(
            f"The VAE in {folder} is that of {owner}.",
            f"Its scaling factor is {scale}; with it every picture would come out wrong.",
            "Put in the VAE that belongs to this base.",
        )
    if vae.get("latents_mean") is not None:
        raise InputError(
            f"The VAE in {folder} shifts every channel of its latents by its own mean.",
            "No family of duktus computes that yet (Playground v2.5 is such a model).",
            "Take another base.",
        )


def sized_render_defaults(folder: Path, of_family: RenderDefaults) -> RenderDefaults:
    """The family's, at the size the U-Net was made for."""
    unet, vae = (read_json(folder / part / "config.json") for part in ("unet", "vae"))
    size = int(unet.get("sample_size") or of_family.width // SHRINK)
    scale = 2 ** (len(vae.get("block_out_channels") or [0] * 4) - 1)
    return of_family.model_copy(update={"width": size * scale, "height": size * scale})
