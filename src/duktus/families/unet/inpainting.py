"""Bases that paint within pictures: their U-Net also sees a mask and what the mask leaves. No torch.

Such a U-Net takes the noisy latents, the mask and the latents of the picture without what the mask opens (for
Stable Diffusion 4 + 1 + 4 channels, runwayml/stable-diffusion inpainting).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.families.roles import Told

if TYPE_CHECKING:
    from torch import Tensor

    from duktus.domain.base import Base
    from duktus.domain.recipe import Recipe
    from duktus.families.family import Conditioning
    from duktus.families.safetensors_header import Header

TOLD = Told(Role.INPAINTING, "Its U-Net takes a mask and a picture beside the latents.")
FIRST_LAYER = "model.diffusion_model.input_blocks.0.0.weight"
"""Of a U-Net in a single file, Stable Diffusion 1.x and SDXL alike."""
CHANNELS = 9
"""Of such a first layer: latents, mask, and the latents of what the mask leaves."""
WORDS = (
    "This base paints within pictures (inpainting): give it a picture with a mask or with new room. Nothing "
    "is taught on it, and it draws nothing from noise alone; take the plain edition of the base for both."
)


@runtime_checkable
class PaintsWithin(Protocol):
    """A base in memory that may be one for inpainting."""

    @property
    def inpaints(self) -> bool:
        """Whether it is."""
        ...

    def within(self, conditioning: Conditioning, opened: Tensor, left: Tensor) -> Conditioning:
        """The conditioning with what every picture is painted into: ``opened`` (n, 1, h, w) is 1 where its
        latents are painted, ``left`` (n, c, h, w) are those of the picture without it.
        """
        ...


def takes_a_mask(unet: dict[str, Any], vae: dict[str, Any]) -> bool:
    """Whether a U-Net of that configuration sees mask and picture beside what that autoencoder makes."""
    return unet.get("in_channels", 4) == 2 * vae.get("latent_channels", 4) + 1


def file_takes_a_mask(header: Header) -> bool:
    """Whether the U-Net in a single file does, by the shape of its first layer."""
    first = header.tensors.get(FIRST_LAYER)
    return first is not None and len(first.shape) == 4 and first.shape[1] == CHANNELS


def check_paints(base: Base, recipe: Recipe) -> None:
    """:class:`InputError` for a recipe that a base for inpainting cannot render."""
    if base.role is not Role.INPAINTING:
        return
    grown = recipe.source is not None and recipe.source.extend is not None and any(recipe.source.extend.added)
    if recipe.mask is None and not grown:
        raise InputError(
            f"{base.name} only paints within pictures.",
            "Its U-Net was made for inpainting: it sees a mask and what the mask leaves.",
            "Give a picture with --image, and --mask or --extend; or take another base.",
        )
