"""What a picture is to begin from, read but not yet checked against a workspace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was asked for, in words; nothing of it: a picture from noise alone."""

    image: str | None = None
    """A file, or an asset's id."""
    denoise: float | None = None
    mask: tuple[str, ...] = ()
    """A file, ``alpha``, or shapes, which add up."""
    mask_inverted: bool = False
    mask_feather: int = 0
    extend: str | None = None
    variation_seed: int | None = None
    variation_strength: float | None = None
    controls: tuple[str, ...] = ()
    controls_ready: bool = False
    """The pictures of canny and line controls are edges and lines already."""
    hires: str | None = None
    hires_denoise: float | None = None
    hires_steps: int | None = None
    hires_by: str = "latent"
    draft: bool = False
