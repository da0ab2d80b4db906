"""IP-Adapters of Stable Diffusion's U-Nets: told by their tensors, described and checked without torch.

The spelling is that of tencent-ailab/IP-Adapter: ``image_proj.*`` turns what the image encoder saw into
tokens, ``ip_adapter.N.to_k_ip`` and ``to_v_ip`` belong to the U-Net's N-th attention.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.folder_hash import folder_hash, read_json
from duktus.families.reference import ReferenceNetwork
from duktus.families.safetensors_header import read_header
from duktus.families.single_file import LORA_MARKS, PICKLES
from duktus.families.unet.controls import OF_WIDTH

if TYPE_CHECKING:
    from pathlib import Path

    from duktus.domain.base import Base
    from duktus.families.safetensors_header import Header

STEMS = ("model.safetensors", "model.fp16.safetensors")
PUBLISHED = "Take a plain or a plus edition, for instance ip-adapter_sd15 or ip-adapter-plus_sdxl_vit-h."


@dataclass(frozen=True, slots=True)
class AdapterShape:
    """What an adapter's tensors say of it."""

    plus: bool
    """It looks at the encoder's last but one layer, not only at its summary."""
    sees: int
    """Numbers it takes of the encoder."""
    width: int
    """Numbers of each token it gives; those of the U-Net's texts."""
    places: tuple[int, ...]
    """Width of each attention that it belongs to, in their order."""


def shape_of(file: Path, header: Header) -> AdapterShape:
    """What the adapter is; :class:`InputError` when it is none, or of a kind that is not read."""
    shapes = {name: entry.shape for name, entry in header.tensors.items()}
    places = sorted(
        (int(found[1]), shape)
        for name, shape in shapes.items()
        if (found := re.fullmatch(r"ip_adapter\.(\d+)\.to_k_ip\.weight", name))
    )
    whole = all(f"ip_adapter.{number}.to_v_ip.weight" in shapes for number, _ in places)
    if not places or not any(name.startswith("image_proj.") for name in shapes):
        raise _something_else(file, header)
    plain, latents = shapes.get("image_proj.proj.weight"), shapes.get("image_proj.latents")
    entrance = shapes.get("image_proj.proj_in.weight")
    width = places[0][1][-1]
    widths = tuple(shape[0] for _, shape in places)
    if whole and plain is not None and len(plain) == 2 and plain[0] % width == 0:
        return AdapterShape(plus=False, sees=plain[1], width=width, places=widths)
    special = any(name.startswith("image_proj.perceiver_resampler.") for name in shapes)
    if whole and not special and latents is not None and entrance is not None and len(entrance) == 2:
        return AdapterShape(plus=True, sees=entrance[1], width=width, places=widths)
    raise InputError(
        f"{file.name} is an IP-Adapter of a kind that duktus does not read.",
        "It is neither plain nor plus: a full-face or a FaceID one, or not whole.",
        PUBLISHED,
    )


def describe(file: Path, encoder: Path, hashes: FileHashes = EVERY_BYTE) -> ReferenceNetwork:
    """The adapter in ``file`` with the image encoder in the folder ``encoder``, checked and hashed.

    Raises:
        NotFoundError: one of them is not there.
        InputError: something else, a pickle, truncated, or the two do not belong together.
    """
    if not file.is_file():
        raise NotFoundError(f"There is no IP-Adapter at {file}.", "It is one safetensors file.", PUBLISHED)
    if file.suffix.lower() in PICKLES:
        raise InputError(
            f"{file.name} is a Python pickle, not a safetensors file.",
            "A pickle can run any code when it is loaded, so duktus never opens one.",
            "Take the safetensors edition of this adapter.",
        )
    shape = shape_of(file, read_header(file))
    configuration, weights = _encoder(encoder)
    said = read_json(configuration)
    gives = said.get("hidden_size" if shape.plus else "projection_dim")
    if gives != shape.sees:
        raise InputError(
            f"The image encoder in {encoder} does not belong to {file.name}.",
            f"It gives {gives} numbers, the adapter takes {shape.sees}.",
            "Take the encoder it was trained with: ViT-H (1024; plus: 1280) or ViT-bigG (1280; plus: 1664).",
        )
    pair = [hashes.of(file), folder_hash(encoder, [weights], [configuration], hashes)]
    return ReferenceNetwork(sha256_hex(canonical_json(pair)), file.absolute(), encoder.absolute())


def check(base: Base, network: ReferenceNetwork) -> None:
    """:class:`MismatchError` when the adapter was made for another kind of base."""
    unet: dict[str, Any] = read_json(base.folder / "unet" / "config.json")
    shape = shape_of(network.file, read_header(network.file))
    wanted = unet.get("cross_attention_dim")
    if shape.width != wanted or not set(shape.places) <= set(unet.get("block_out_channels") or ()):
        owner = OF_WIDTH.get(shape.width)
        raise unfit(
            base,
            network,
            f"Its tokens have {shape.width} numbers, the base takes {wanted}."
            f"{f' It was made for {owner}.' if owner else ''}",
        )


def unfit(base: Base, network: ReferenceNetwork, why: str) -> MismatchError:
    """The error for an adapter of another base."""
    return MismatchError(
        f"The IP-Adapter {network.file.name} does not fit {base.name}.",
        why,
        "Take an IP-Adapter that was trained for this kind of base.",
    )


def _encoder(folder: Path) -> tuple[Path, Path]:
    """Configuration and weights of an image encoder, there and whole."""
    configuration = folder / "config.json"
    if not configuration.is_file() or read_json(configuration).get("model_type") != "clip_vision_model":
        raise InputError(
            f"{folder} is not an image encoder.",
            "It has no config.json of a CLIP vision model."
            if configuration.is_file()
            else "It is no folder with a config.json.",
            "Name the folder image_encoder that comes with IP-Adapters: config.json and model.safetensors.",
        )
    weights = next((folder / name for name in STEMS if (folder / name).is_file()), None)
    if weights is None:
        pickled = any(path.suffix.lower() in PICKLES for path in folder.iterdir())
        raise InputError(
            f"{STEMS[0]} is missing in {folder}.",
            "Its weights are a Python pickle, which duktus never opens." if pickled else "",
            "Take the safetensors edition.",
        )
    read_header(weights)
    return configuration, weights


def _something_else(file: Path, header: Header) -> InputError:
    if any(mark in name for name in header.tensors for mark in LORA_MARKS):
        return InputError(
            f"{file.name} is a style (LoRA), not an IP-Adapter.",
            "It holds low-rank changes to the weights of a base.",
            "Use it with --style on the base it was taught on.",
        )
    return InputError(
        f"{file.name} is no IP-Adapter.",
        "It has no tensors named image_proj... and ip_adapter....",
        PUBLISHED,
    )
