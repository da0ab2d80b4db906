"""Where the weights of a control network lie in its folder. No torch."""

from __future__ import annotations

from pathlib import Path

from duktus.domain.errors import InputError
from duktus.families.single_file import PICKLES

STEM = "diffusion_pytorch_model"


def variant_of(folder: Path) -> str | None:
    """``fp16`` or None, as diffusers names the weights file there; :class:`InputError` when there is none."""
    for variant in (None, "fp16"):
        if (folder / f"{STEM}{f'.{variant}' if variant else ''}.safetensors").is_file():
            return variant
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in PICKLES)
    if pickled:
        raise InputError(
            f"{folder} holds {pickled[0]} but no safetensors file.",
            "It is a Python pickle, which can run any code when it is loaded; duktus never opens one.",
            "Take the safetensors edition of this network.",
        )
    raise InputError(f"{STEM}.safetensors is missing in {folder}.", "", "Copy or download it again.")


def weights_of(folder: Path) -> Path:
    """The weights file in a folder of the diffusers layout."""
    variant = variant_of(folder)
    return folder / f"{STEM}{f'.{variant}' if variant else ''}.safetensors"
