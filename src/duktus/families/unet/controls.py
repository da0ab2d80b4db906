"""Control networks of Stable Diffusion's U-Nets: told by their contents and checked without torch.

A ControlNet is a folder in the diffusers layout; a T2I-Adapter too, or its safetensors file alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.families.control import ControlNetwork
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.folder_hash import folder_hash, read_json
from duktus.families.safetensors_header import read_header
from duktus.families.single_file import LORA_MARKS, PICKLES
from duktus.families.unet import t2i_adapter
from duktus.families.unet.control_files import weights_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from duktus.domain.base import Base
    from duktus.families.safetensors_header import Header

CONTROLNET, ADAPTER = "ControlNetModel", "T2IAdapter"
"""The classes of diffusers whose folders are taken."""
LAYOUT = "Name a folder in the diffusers layout: config.json and diffusion_pytorch_model.safetensors."

SAME: dict[str, Any] = {
    "in_channels": 4,
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "cross_attention_dim": 1280,
    "addition_embed_type": None,
    "projection_class_embeddings_input_dim": None,
}
"""What a ControlNet shares with the U-Net whose skip connections it adds to, with what diffusers takes where
a configuration does not say. Depth of its transformers it need not share (the small ones for SDXL do not)."""
OF_WIDTH = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x", 1280: "SDXL's refiner", 2048: "SDXL"}


def describe(place: Path, hashes: FileHashes = EVERY_BYTE) -> ControlNetwork:
    """The network in a folder or file, checked and hashed.

    Raises:
        NotFoundError: there is nothing.
        InputError: something else (a style, a base), or its weights are missing, truncated or no safetensors.
    """
    if place.is_file():
        return _file(place, hashes)
    if not place.is_dir():
        raise NotFoundError(f"There is no control network at {place}.", "", LAYOUT)
    configuration = place / "config.json"
    said = read_json(configuration).get("_class_name") if configuration.is_file() else None
    if said not in {CONTROLNET, ADAPTER}:
        raise _other_folder(place, said)
    weights = weights_of(place)
    header = read_header(weights)
    found = told_by(header)
    if found != said:
        raise _something_else(f"{place.name}/{weights.name}", header, found)
    hash_ = folder_hash(place, [weights], [configuration], hashes)
    if said == CONTROLNET:
        return ControlNetwork(hash_, place.absolute())
    settings = t2i_adapter.settings(place, header)
    return ControlNetwork(hash_, place.absolute(), "T2I-Adapter", settings.multiple)


def told_by(header: Header) -> str | None:
    """The class, in diffusers, of what the tensors are; None for anything else."""
    names = header.tensors
    if "controlnet_cond_embedding.conv_in.weight" in names and "controlnet_mid_block.weight" in names:
        union = any(name.startswith(("task_embedding", "control_add_embedding")) for name in names)
        return None if union else CONTROLNET
    return ADAPTER if t2i_adapter.is_one(header) else None


def check(base: Base, network: ControlNetwork) -> None:
    """:class:`MismatchError` when the network was made for another kind of base."""
    unet = read_json(base.folder / "unet" / "config.json")
    if network.kind == "T2I-Adapter":
        why = t2i_adapter.unfit(unet, _shrink(base), _settings_of(network))
        if why is not None:
            raise misfit(network, base, why)
        return
    own = read_json(network.folder / "config.json")
    for key, default in SAME.items():
        # A U-Net for inpainting takes more channels than it gives; what steers it sees the plain latents.
        there = unet.get("out_channels", 4) if key == "in_channels" else unet.get(key, default)
        ours = own.get(key, default)
        if ours != there:
            raise misfit(network, base, f"Its {key} is {ours}, the base has {there}.", own)


def _settings_of(network: ControlNetwork) -> t2i_adapter.AdapterSettings:
    place = network.folder
    return t2i_adapter.settings(place, read_header(place if place.is_file() else weights_of(place)))


def _shrink(base: Base) -> int:
    widths = read_json(base.folder / "vae" / "config.json").get("block_out_channels") or [0] * 4
    return 2 ** (len(widths) - 1)


def misfit(
    network: ControlNetwork, base: Base, why: str, configuration: dict[str, Any] | None = None
) -> MismatchError:
    """The error for a network of another base, with whose it is where that is known."""
    width = (configuration or {}).get("cross_attention_dim")
    owner = OF_WIDTH.get(width) if isinstance(width, int) else None
    return MismatchError(
        f"The control network in {network.folder.name} does not fit {base.name}.",
        f"{why}{f' It was made for {owner}.' if owner else ''}",
        f"Take a {network.kind} that was trained for this kind of base.",
    )


def _file(path: Path, hashes: FileHashes) -> ControlNetwork:
    if path.suffix.lower() in PICKLES:
        raise InputError(
            f"{path.name} is a Python pickle, not a safetensors file.",
            "A pickle can run any code when it is loaded, so duktus never opens one.",
            "Take the safetensors edition of this network.",
        )
    header = read_header(path)
    found = told_by(header)
    if found == ADAPTER:
        settings = t2i_adapter.settings(path, header)
        return ControlNetwork(hashes.of(path), path.absolute(), "T2I-Adapter", settings.multiple)
    raise _something_else(path.name, header, found)


def _other_folder(folder: Path, said: object) -> InputError:
    files = sorted(folder.glob("*.safetensors"))
    if said is None and files:
        header = read_header(files[0])
        if _is_style(header.tensors):
            return _something_else(f"{folder.name}/{files[0].name}", header, None)
    return InputError(
        f"{folder} is not a control network.",
        f"Its config.json says {said}, not {CONTROLNET} or {ADAPTER}."
        if said is not None
        else f"It has no config.json that says {CONTROLNET} or {ADAPTER}.",
        LAYOUT,
    )


def _something_else(name: str, header: Header, found: str | None) -> InputError:
    tensors = header.tensors
    if _is_style(tensors):
        return InputError(
            f"{name} is a style (LoRA), not a control network.",
            "It holds low-rank changes to the weights of a base.",
            "Use it with --style on the base it was taught on.",
        )
    if any(one.startswith(("control_model.", "controlnet_cond_embedding.")) for one in tensors):
        return InputError(
            f"{name} is a ControlNet in a layout that duktus does not read.",
            "A single file, and one network for several kinds of pictures, lack what a folder says of them."
            if found is None
            else "Its config.json says that it is something else.",
            LAYOUT,
        )
    if t2i_adapter.is_original(header):
        return InputError(
            f"{name} is a T2I-Adapter in its original spelling.",
            "duktus reads that of diffusers.",
            "Take the edition for diffusers (a folder with config.json).",
        )
    if any(one.startswith(("image_proj.", "ip_adapter.")) for one in tensors):
        return InputError(
            f"{name} is an IP-Adapter, not a control network.",
            "It takes a reference picture.",
            'Name it in duktus.toml under [references.NAME] with file = "..." and encoder = "...", and use '
            "--reference PICTURE.",
        )
    return InputError(
        f"{name} is neither a ControlNet nor a T2I-Adapter.",
        f"Names and shapes of its {len(tensors)} tensors are those of neither.",
        LAYOUT,
    )


def _is_style(names: Iterable[str]) -> bool:
    return any(mark in name for name in names for mark in LORA_MARKS)
