"""Networks that enlarge finished pictures, described without torch.

A Swin2SR folder as transformers saves it (arXiv 2209.11345), or one safetensors file of the Real-ESRGAN kind,
which the optional library ``spandrel`` reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from duktus.domain.errors import InputError
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.folder_hash import folder_hash, read_json
from duktus.families.safetensors_header import read_header

WEIGHTS = "model.safetensors"


class UpscalerKind(StrEnum):
    """Which library makes the network of the weights."""

    SWIN2SR = "swin2sr"
    SPANDREL = "spandrel"


@dataclass(frozen=True, slots=True)
class UpscalerNetwork:
    """An upscaler pinned by the hash of what decides its pixels."""

    hash: str
    path: Path
    kind: UpscalerKind


def describe_upscaler(path: Path, hashes: FileHashes = EVERY_BYTE) -> UpscalerNetwork:
    """The upscaler in a folder or file; :class:`InputError` for what cannot be one."""
    if path.is_dir():
        return _folder(path, hashes)
    if path.suffix.lower() != ".safetensors":
        unsafe = path.suffix.lower() in {".pth", ".pt", ".ckpt", ".bin"}
        raise InputError(
            f"{path} is not an upscaler that duktus opens.",
            "It is a Python pickle, which can run any code when it is loaded."
            if unsafe
            else "An upscaler is a Swin2SR folder or a safetensors file.",
            "Take its safetensors edition." if unsafe else "Name such a folder or file.",
        )
    if not path.is_file():
        raise InputError(f"{path} is not there.", "", "Name a Swin2SR folder or a safetensors file.")
    read_header(path)
    return UpscalerNetwork(hashes.of(path), path.absolute(), UpscalerKind.SPANDREL)


def _folder(folder: Path, hashes: FileHashes) -> UpscalerNetwork:
    configuration, weights = folder / "config.json", folder / WEIGHTS
    if not configuration.is_file() or read_json(configuration).get("model_type") != "swin2sr":
        raise InputError(
            f"{folder} is not a Swin2SR folder.",
            "Its config.json does not say swin2sr.",
            "Name a folder as transformers saves it: config.json and model.safetensors.",
        )
    if not weights.is_file():
        raise InputError(f"{WEIGHTS} is missing in {folder}.", "", "Copy or download the upscaler again.")
    read_header(weights)
    return UpscalerNetwork(
        folder_hash(folder, [weights], [configuration], hashes), folder.absolute(), UpscalerKind.SWIN2SR
    )
