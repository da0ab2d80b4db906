"""What a picture is to begin from, read but not yet checked against a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from duktus.domain.foreign import Picture


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
    references: tuple[str, ...] = ()
    hires: str | None = None
    hires_denoise: float | None = None
    hires_steps: int | None = None
    hires_by: str = "latent"
    refiner: str | None = None
    """A base that finishes the picture."""
    refine_at: float | None = None
    draft: bool = False


NAMES = tuple(one.name for one in fields(Beginning))


def from_options(options: Mapping[str, Any]) -> tuple[Beginning, dict[str, Any]]:
    """The beginning among a call's options, and the options that are left.

    One text or several for ``mask``, ``controls`` and ``references``; a file, an id or a picture for
    ``image``.
    """
    given = {name: value for name, value in options.items() if name in NAMES}
    for name in ("mask", "controls", "references"):
        if name in given:
            value = given[name]
            given[name] = (str(value),) if isinstance(value, str) else tuple(str(one) for one in value)
    image = given.get("image")
    if image is not None:
        given["image"] = image.id if isinstance(image, Picture) else str(image)
    return Beginning(**given), {name: value for name, value in options.items() if name not in NAMES}
