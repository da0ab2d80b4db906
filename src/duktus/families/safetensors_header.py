"""Reading a safetensors header without torch, strictly: the file is untrusted.

Layout: 8 bytes little-endian header length ``n``, ``n`` bytes of JSON, then the tensor bytes
(github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_HEADER = 100_000_000
"""Bytes; the bound of the safetensors library itself."""

BYTES_PER_VALUE = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4,
    "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What the header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]
    begin: int = field(default=0, compare=False)
    """Where its bytes begin, counted from the first of all tensors."""

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header: every tensor lies inside the file and has the bytes its shape asks for."""

    tensors: dict[str, TensorEntry]
    metadata: dict[str, str]
    data_start: int
    """Where the tensor bytes begin."""


def read_header(path: Path, *, called: str | None = None) -> Header:
    """The checked header of a safetensors file; errors name it as ``called``, else by its file name.

    Raises:
        InputError: not a safetensors file, or truncated, or inconsistent; names the file and why.
    """
    name = called or path.name
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            if len(start) < 8:
                raise _damaged(name, "it is shorter than a header")
            (length,) = struct.unpack("<Q", start)
            # One header in 32 has a length that begins with a pickle's first byte; none is that long.
            too_long = length > min(MAX_HEADER, size - 8)
            if too_long and (start[:2] == b"PK" or start[:1] == b"\x80"):
                raise InputError(
                    f"{name} is a Python pickle, not a safetensors file.",
                    "A pickle can run any code when it is loaded, so duktus never opens one.",
                    "Ask for the file in safetensors format.",
                )
            if too_long:
                raise _damaged(name, "its header reaches past its end: it is truncated or another format")
            raw = file.read(length)
    except OSError as error:
        raise InputError(f"{path} cannot be read.", f"{error.strerror}.") from error
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, "its header is not JSON") from error
    if not isinstance(content, dict):
        raise _damaged(name, "its header is not a JSON object")
    return _checked(name, content, data_start=8 + length, size=size)


def _checked(called: str, content: dict[str, Any], *, data_start: int, size: int) -> Header:
    metadata = content.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(called, "its metadata is not a map of texts")
    tensors: dict[str, TensorEntry] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in content.items():
        try:
            dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            values = 1
            for length in shape:
                if not isinstance(length, int) or length < 0:
                    raise _damaged(called, f"the shape of {name!r} is not a shape")
                values *= length
            right = end - begin == values * BYTES_PER_VALUE[dtype]
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(called, f"the entry of {name!r} is not a tensor") from error
        if not right:
            raise _damaged(called, f"the bytes of {name!r} do not match its shape")
        tensors[name] = TensorEntry(dtype=dtype, shape=tuple(shape), begin=begin)
        spans.append((begin, end))
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise _damaged(called, "its tensors overlap or leave gaps")
        position = end
    if data_start + position != size:
        raise _damaged(called, f"it has {size} bytes where its header asks for {data_start + position}")
    return Header(tensors=tensors, metadata=metadata, data_start=data_start)


def tensor_hash(path: Path) -> str:
    """SHA-256 of the bytes after the header (the field's AutoV3), as 64 hex digits."""
    start = read_header(path).data_start
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(name: str, why: str) -> InputError:
    return InputError(f"{name} is damaged:", f"{why}.", "Copy or download it again.")
