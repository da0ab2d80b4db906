"""Other people's files in our canonical layout: one per family, loaded everywhere the first time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import InputError
from duktus.families.style_file import write_file
from duktus.families.style_files.checking import problems, trigger
from duktus.families.style_files.recognising import CANONICAL, FOLDED, Recognised, is_blockwise
from duktus.families.style_files.spellings import spelled
from duktus.families.style_files.truth import TEXT_PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from duktus.families.style_files.truth import Truth

FILE_DTYPES = (torch.float32, torch.float16, torch.bfloat16)

ARCHITECTURE = {
    "sd15": ("stable-diffusion-v1/lora", "sd_v1"),
    "sdxl": ("stable-diffusion-xl-v1-base/lora", "sdxl_base_v1-0"),
    "flux": ("flux-1-dev/lora", "flux1"),
    "zimage": ("Z-Image/lora", "z_image"),
    "flux2": ("flux-2-klein/lora", "flux2_klein"),
}
"""``modelspec.architecture`` (SAI modelspec 1.0.1; Z-Image as musubi-tuner names it) and
``ss_base_model_version`` (kohya-ss/sd-scripts; A1111 tells SDXL by it)."""

CARRIED = ("modelspec.trigger_phrase", "modelspec.title", "modelspec.author", "modelspec.license")
"""What a mended file keeps of the metadata; all of it when asked for."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One module's pair; ``scale`` is alpha / rank."""

    down: Tensor
    up: Tensor
    scale: float


def change_of(piece: Piece) -> Tensor:
    """The weight change of a pair, (out, in...) flattened to a matrix, float64."""
    down, up = piece.down.double().flatten(1), piece.up.double().flatten(1)
    return piece.scale * (up @ down)


def pieces(style: Recognised) -> dict[str, Piece]:
    """``{part.path: pair}`` with fused matrices taken apart, in the order of the architecture.

    Raises:
        InputError: the file is damaged, holds kinds that are not low-rank pairs, or modules that this
            architecture does not have; nothing is dropped silently.
    """
    _check_whole(style)
    out: dict[str, Piece] = {}
    for stem, down, up in style.file.loaded():
        place = style.places[stem]
        parts = _taken_apart(style, place.modules, down, up, style.scales[stem])
        for module, piece in zip(place.modules, parts, strict=True):
            if module in out:
                raise InputError(
                    f"{style.file.path.name} names {module} twice, in two spellings.",
                    "Which of the two is meant cannot be known.",
                )
            out[module] = _shaped(piece, style.truth.modules[module])
    return {module: out[module] for module in style.truth.modules if module in out}


def write_canonical(
    path: Path, family: str, truth: Truth, tensors: Mapping[str, Piece], metadata: Mapping[str, str]
) -> str:
    """Write ``{part.path: pair}`` in the family's canonical layout; return the tensor hash."""
    denoiser, text = CANONICAL[family]
    folded = family in FOLDED
    out: dict[str, Tensor] = {}
    for module, piece in tensors.items():
        spelling = text if module.partition(".")[0] in TEXT_PARTS else denoiser
        stem = spelled(module, spelling, truth)
        down, up = _file_dtype(piece.down), _file_dtype(piece.up)
        if folded:
            out[f"{stem}.lora_A.weight"] = down
            out[f"{stem}.lora_B.weight"] = fold(up, piece.scale)
        else:
            out[f"{stem}.lora_down.weight"] = down
            out[f"{stem}.lora_up.weight"] = up
            out[f"{stem}.alpha"] = torch.tensor(float(piece.scale * down.shape[0]))
    return write_file(path, out, metadata)


def fold(up: Tensor, scale: float) -> Tensor:
    """``scale * up``, in its own dtype where that loses nothing, else in float32."""
    if scale == 1:
        return up
    wide = up.float() * scale
    narrow = wide.to(up.dtype)
    return narrow if torch.equal(narrow.float(), wide) else wide


def repair(style: Recognised, path: Path, *, full_metadata: bool = False) -> str:
    """Write a mended copy of a file; return its tensor hash. The file itself is never touched."""
    tensors = pieces(style)
    return write_canonical(
        path, style.truth.family, style.truth, tensors, metadata(style, tensors, full=full_metadata)
    )


def metadata(style: Recognised, tensors: Mapping[str, Piece], *, full: bool) -> dict[str, str]:
    """What a mended file says of itself: by default nothing but what loaders and people need."""
    said = style.file.header.metadata
    out = dict(said) if full else {key: said[key] for key in CARRIED if key in said}
    out.pop("lora_adapter_metadata", None)  # its alpha now stands in the tensors, and would count twice
    word = trigger(style)
    if word is None:
        out.pop("modelspec.trigger_phrase", None)
    architecture, version = ARCHITECTURE[style.truth.family]
    ranks = {piece.down.shape[0] for piece in tensors.values()}
    alphas = {piece.scale * piece.down.shape[0] for piece in tensors.values()}
    if style.truth.family in FOLDED:
        alphas = {float(rank) for rank in ranks}
    out |= {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": architecture,
        "modelspec.implementation": "https://github.com/huggingface/diffusers",
        "ss_base_model_version": version,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(max(ranks)),
        "ss_network_alpha": f"{max(alphas):g}",
    }
    out.setdefault("modelspec.title", style.file.path.stem)
    return out


def _check_whole(style: Recognised) -> None:
    name = style.file.path.name
    if style.file.others:
        kinds = ", ".join(f"{len(found)} {kind}" for kind, found in style.file.others.items())
        raise InputError(
            f"{name} cannot be mended:",
            f"it also holds {kinds}; duktus reads plain low-rank pairs (LoRA) only and would lose them.",
            "Ask its author for a LoRA.",
        )
    lost: Sequence[str] = (*style.unmatched, *style.file.unknown)
    if lost:
        raise InputError(
            f"{name} cannot be mended whole:",
            f"{len(style.unmatched)} of {len(style.file.pairs)} pairs and {len(style.file.unknown)} further "
            f"tensors have no place in {style.truth.name}, the first is {lost[0]!r}.",
            "Name the base it was taught on with --base.",
        )
    damage = list(problems(style))
    if damage:
        raise InputError(f"{name} cannot be mended:", f"{damage[0]}.", "Copy it again, or ask its author.")


def _taken_apart(
    style: Recognised, modules: tuple[str, ...], down: Tensor, up: Tensor, scale: float
) -> list[Piece]:
    """One pair per module. A fused pair made of blocks gives its blocks back, at their own rank; one that was
    taught fused gives each part the whole down matrix.
    """
    if len(modules) == 1:
        return [Piece(down, up, scale)]
    rows = [style.truth.modules[module][0] for module in modules]
    rank, rest = divmod(down.shape[0], len(modules))
    blocks = rest == 0 and is_blockwise(up, len(modules), rank)
    out: list[Piece] = []
    for number, part in enumerate(up.split(rows)):
        own = slice(number * rank, (number + 1) * rank)
        if blocks and not bool(part[:, : own.start].any()) and not bool(part[:, own.stop :].any()):
            out.append(Piece(down[own].clone(), part[:, own].clone(), scale))
        else:
            out.append(Piece(down.clone(), part.clone(), scale))
    return out


def _shaped(piece: Piece, shape: tuple[int, ...]) -> Piece:
    """Matrices as the module is: 1x1 convolutions and Linears are written in either way."""
    rank, outer = piece.down.shape[0], shape[0]
    return Piece(
        piece.down.reshape(rank, *shape[1:]).contiguous(),
        piece.up.reshape(outer, rank, *(1,) * (len(shape) - 2)).contiguous(),
        piece.scale,
    )


def _file_dtype(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype in FILE_DTYPES else tensor.float()
