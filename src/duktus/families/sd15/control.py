"""ControlNets of Stable Diffusion 1.x in the diffusers layout: described without torch."""

from __future__ import annotations

from pathlib import Path

from duktus.domain.errors import InputError
from duktus.families.control import ControlNetwork
from duktus.families.folder_hash import folder_hash, read_json
from duktus.families.safetensors_header import read_header

STEM = "diffusion_pytorch_model"


def variant_of(folder: Path) -> str | None:
    """``fp16`` or None, as diffusers names the weights file there; :class:`InputError` when there is none."""
    for variant in (None, "fp16"):
        if (folder / f"{STEM}{f'.{variant}' if variant else ''}.safetensors").is_file():
            return variant
    pickled = sorted(path.name for kind in ("*.bin", "*.pth", "*.ckpt", "*.pt") for path in folder.glob(kind))
    if pickled:
        raise InputError(
            f"{folder} holds {pickled[0]} but no safetensors file.",
            "It is a Python pickle, which can run any code when it is loaded; duktus never opens one.",
            "Take the safetensors edition of this network.",
        )
    raise InputError(f"{STEM}.safetensors is missing in {folder}.", "", "Copy or download it again.")


def describe(folder: Path) -> ControlNetwork:
    """The network in ``folder``, checked and hashed.

    Raises:
        InputError: no diffusers ControlNet, or its weights are missing, truncated or no safetensors.
    """
    configuration = folder / "config.json"
    if not configuration.is_file() or read_json(configuration).get("_class_name") != "ControlNetModel":
        raise InputError(
            f"{folder} is not a ControlNet folder.",
            "Its config.json does not say ControlNetModel.",
            "Name a folder in the diffusers layout: config.json and diffusion_pytorch_model.safetensors.",
        )
    variant = variant_of(folder)
    weights = folder / f"{STEM}{f'.{variant}' if variant else ''}.safetensors"
    read_header(weights)
    return ControlNetwork(hash=folder_hash(folder, [weights], [configuration]), folder=folder.absolute())
