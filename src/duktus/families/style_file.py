"""Style files on disk: safetensors written byte for byte reproducibly and atomically, read strictly.

The safetensors library orders metadata at random, so equal styles would get unequal files; this writer sorts.
Hash definitions: ``sshs_model_hash`` and ``modelspec.hash_sha256`` are the SHA-256 of the bytes after the
header, ``sshs_legacy_hash`` the first 8 hex digits of the SHA-256 of the 64 KiB at offset 1 MiB of the file
(kohya-ss/sd-scripts, library/train_util.py; SAI modelspec 1.0.1). A reader never believes them.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from duktus.domain.errors import InputError, MismatchError
from duktus.families.atomic_file import write_atomically
from duktus.families.safetensors_header import read_header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def check_healthy(tensors: Mapping[str, tuple[Tensor, Tensor]], what: str) -> None:
    """Refuse an adapter that is damaged (NaN, infinite) or does nothing (every ``up`` zero)."""
    for path, (down, up) in tensors.items():
        if not (bool(torch.isfinite(down).all()) and bool(torch.isfinite(up).all())):
            raise InputError(
                f"{what} is damaged:",
                f"module {path} holds NaN or infinite values.",
                "Teach or copy it again.",
            )
    if not any(bool(up.any()) for _, up in tensors.values()):
        raise InputError(
            f"{what} changes nothing:", "every up matrix is zero, as before the first training step."
        )


def write_file(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Write tensors and metadata with correct hashes; return the tensor hash.

    The file appears under its name complete or not at all (temporary file, fsync, rename).

    Raises:
        StorageError: the folder cannot be written or the disk is full.
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    blobs = [_bytes(tensors[name]) for name in order]
    digest = hashlib.sha256()
    for blob in blobs:
        digest.update(blob)
    full = digest.hexdigest()
    entries = dict(metadata)
    entries |= {"sshs_model_hash": full, "sshs_legacy_hash": "0" * 8, "modelspec.hash_sha256": f"0x{full}"}
    content = _header(order, tensors, entries) + b"".join(blobs)
    entries["sshs_legacy_hash"] = hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8]
    header = _header(order, tensors, entries)
    write_atomically(path, header + content[len(header) :])
    return full


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Every tensor (CPU) and the metadata of a checked safetensors file."""
    header = read_header(path)
    try:
        return safetensors.torch.load_file(path), header.metadata
    except safetensors.SafetensorError as error:
        raise InputError(f"{path.name} cannot be read:", str(error)) from error


def check_shapes(
    path: Path, pairs: Mapping[str, tuple[Tensor, Tensor]], denoiser: nn.Module, base: str
) -> None:
    """Refuse a style whose matrices do not fit this base's modules."""
    table = dict(denoiser.named_modules())
    wrong: list[str] = []
    for module_path, (down, up) in pairs.items():
        outer, *inner = table[module_path].weight.shape  # pyright: ignore[reportGeneralTypeIssues]
        rank = down.shape[0]
        if [*down.shape] != [rank, *inner] or [*up.shape] != [outer, rank, *(1,) * (len(inner) - 1)]:
            wrong.append(module_path)
    if wrong:
        raise MismatchError(
            f"{path.name} is a style of another base than {base}:",
            f"the shapes of {len(wrong)} of {len(pairs)} modules differ, the first is {wrong[0]}.",
            "Render it with the base it was taught on.",
        )


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()


def _header(order: list[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    content: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    position = 0
    for name in order:
        tensor = tensors[name]
        end = position + tensor.numel() * tensor.element_size()
        content[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": [*tensor.shape],
            "data_offsets": [position, end],
        }
        position = end
    return _padded(content)


def _padded(content: dict[str, object]) -> bytes:
    """The header of that content, with its length before it, to a multiple of 8 bytes."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """A style file's bytes with other metadata and correct hashes; the tensor bytes and their order stay."""
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    data = content[8 + length :]
    full = hashlib.sha256(data).hexdigest()
    said = {**metadata, "sshs_model_hash": full, "modelspec.hash_sha256": f"0x{full}"}
    out = _padded({**entries, "__metadata__": said | {"sshs_legacy_hash": "0" * 8}}) + data
    legacy = hashlib.sha256(out[0x100000:0x110000]).hexdigest()[:8]
    return _padded({**entries, "__metadata__": said | {"sshs_legacy_hash": legacy}}) + data
