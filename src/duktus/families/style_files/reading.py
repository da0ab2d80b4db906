"""What a style file holds, before anything is known of the architecture it is for. The file is untrusted."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import safetensors
import torch

from duktus.domain.errors import InputError
from duktus.families.safetensors_header import read_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from duktus.families.safetensors_header import Header

MAX_STYLE_HEADER = 20_000_000
"""Bytes. The largest headers of style files in use are below 3 MB; JSON of more only fills the memory."""
MAX_TENSORS = 50_000

DOWN = (
    ".lora_down.weight", ".lora_A.weight", ".lora_A.default.weight", ".lora_A",
    "_lora.down.weight", ".lora.down.weight", ".lora_linear_layer.down.weight",
)  # fmt: skip
UP = (
    ".lora_up.weight", ".lora_B.weight", ".lora_B.default.weight", ".lora_B",
    "_lora.up.weight", ".lora.up.weight", ".lora_linear_layer.up.weight",
)  # fmt: skip
ALPHA = (".alpha",)
OTHER_KINDS = {
    "DoRA": (".dora_scale", ".lora_magnitude_vector.weight", ".lora_magnitude_vector.default.weight",
             ".lora_magnitude_vector"),
    "LoHa": (".hada_w1_a", ".hada_w1_b", ".hada_w2_a", ".hada_w2_b", ".hada_t1", ".hada_t2"),
    "LoKr": (".lokr_w1", ".lokr_w2", ".lokr_w1_a", ".lokr_w1_b", ".lokr_w2_a", ".lokr_w2_b", ".lokr_t2"),
    "OFT": (".oft_blocks", ".oft_diag", ".oft_R.weight"),
    "GLoRA": (".a1.weight", ".a2.weight", ".b1.weight", ".b2.weight"),
    "LoCon with a Tucker core": (".lora_mid.weight",),
    "weight difference": (".diff", ".diff_b", ".w_norm", ".b_norm", ".set_weight", ".reshape_weight"),
}  # fmt: skip
"""Kinds of adapters that duktus neither checks nor applies, by the ends of their keys. Source: the key tables
of ComfyUI's weight adapters (facts only) and LyCORIS."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One low-rank pair as the file names it."""

    down: str
    up: str
    alpha: str | None
    down_shape: tuple[int, ...]
    up_shape: tuple[int, ...]
    ab: bool
    """Spelled ``lora_A``/``lora_B``."""

    @property
    def named(self) -> bool:
        """Whether the name of an adapter stands in its keys, as in the state dict of a PEFT model."""
        return ".default" in self.down.removeprefix(self.down.rpartition(".lora_A")[0])

    @property
    def rank(self) -> int:
        """Rows of the down matrix."""
        return self.down_shape[0]


@dataclass(frozen=True)
class StyleFile:
    """A checked header with its keys sorted into pairs, other kinds and the unknown."""

    path: Path
    header: Header
    pairs: Mapping[str, Pair]
    """``{stem: pair}``."""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """``{kind: stems}`` of :data:`OTHER_KINDS`."""
    unknown: tuple[str, ...] = ()
    """Keys that belong to nothing known."""

    @cached_property
    def alphas(self) -> Mapping[str, float]:
        """``{stem: alpha}`` of the pairs that have one among the tensors."""
        found: dict[str, float] = {}
        with self.tensors() as tensors:
            for stem, pair in self.pairs.items():
                if pair.alpha is not None:
                    value = tensors.get_tensor(pair.alpha).float().reshape(-1)
                    if value.numel() != 1 or not bool(torch.isfinite(value).all()):
                        raise InputError(
                            f"{self.path.name} is damaged:", f"{pair.alpha!r} is no number.", "Copy it again."
                        )
                    found[stem] = float(value[0])
        return found

    @cached_property
    def metadata_scale(self) -> MetadataScale | None:
        """What PEFT's configuration in the metadata says of alpha; None without one."""
        return _metadata_scale(self.header.metadata)

    def tensors(self) -> Any:
        """The file opened for reading single tensors."""
        try:
            return safetensors.safe_open(self.path, framework="pt")
        except (safetensors.SafetensorError, OSError) as error:
            raise InputError(f"{self.path.name} cannot be read:", f"{error}.") from error

    def loaded(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(stem, down, up) one after the other."""
        with self.tensors() as tensors:
            for stem, pair in self.pairs.items():
                yield stem, tensors.get_tensor(pair.down), tensors.get_tensor(pair.up)


@dataclass(frozen=True, slots=True)
class MetadataScale:
    """Alpha and rank of a PEFT configuration; patterns name modules that differ."""

    alpha: Mapping[str, float]
    """``{part or "": alpha}``."""
    rank: Mapping[str, float]
    alpha_pattern: Mapping[str, float]

    def scale(self, module: str, rank: int) -> float | None:
        """Alpha / rank of a true module ``part.path``; None when the configuration is silent on it."""
        part, _, path = module.partition(".")
        for pattern, alpha in self.alpha_pattern.items():
            if path == pattern or path.endswith(f".{pattern}"):
                return alpha / rank
        alpha = self.alpha.get(part, self.alpha.get(""))
        return None if alpha is None else alpha / rank


def read_style_file(path: Path) -> StyleFile:
    """The file's keys, sorted.

    Raises:
        InputError: no safetensors file, truncated, a pickle, a header too large, half a pair.
    """
    _check_size(path)
    header = read_header(path)
    if len(header.tensors) > MAX_TENSORS:
        raise InputError(
            f"{path.name} is no style:",
            f"it has {len(header.tensors)} tensors; styles have at most {MAX_TENSORS}.",
        )
    ends: dict[str, dict[str, str]] = {}
    others: dict[str, list[str]] = {}
    unknown: list[str] = []
    for key in header.tensors:
        role, stem = _sorted(key)
        if role is None:
            unknown.append(key)
        elif role in {"down", "up", "alpha"}:
            ends.setdefault(stem, {})[role] = key
        else:
            others.setdefault(role, []).append(stem)
    special = {stem for found in others.values() for stem in found}
    pairs: dict[str, Pair] = {}
    for stem, found in ends.items():
        if stem in special:
            continue
        if "down" not in found and "up" not in found:
            unknown.append(found["alpha"])
            continue
        pairs[stem] = _pair(path, header, found)
    if not pairs and not others:
        example = f", the first is {unknown[0]!r}" if unknown else ""
        raise InputError(
            f"{path.name} is no style:",
            f"none of its {len(header.tensors)} tensors is part of a low-rank pair{example}.",
            "A base model is added to duktus.toml; a style is a LoRA file.",
        )
    kinds = {kind: tuple(dict.fromkeys(found)) for kind, found in others.items()}
    return StyleFile(path, header, pairs, kinds, tuple(unknown))


def _check_size(path: Path) -> None:
    try:
        if not path.is_file():
            raise InputError(f"{path} is not a file.", next_step="Name a .safetensors file.")
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be read.", f"{error.strerror}.") from error
    if MAX_STYLE_HEADER < length <= size - 8:
        raise InputError(
            f"{path.name} cannot be used as a style:",
            f"its header has {length} bytes; those of styles stay below {MAX_STYLE_HEADER}.",
            "Ask for a copy without the pictures or captions someone put into its metadata.",
        )


def _sorted(key: str) -> tuple[str | None, str]:
    """(role, stem) of a key; a role of None is unknown."""
    for role, suffixes in (("down", DOWN), ("up", UP), ("alpha", ALPHA), *OTHER_KINDS.items()):
        for suffix in suffixes:
            if key.endswith(suffix):
                return role, key.removesuffix(suffix)
    return None, key


def _pair(path: Path, header: Header, found: Mapping[str, str]) -> Pair:
    if "down" not in found or "up" not in found:
        only = next(iter(found.values()))
        raise InputError(
            f"{path.name} is damaged:", f"{only!r} lacks its other half.", "Copy or download it again."
        )
    down, up = header.tensors[found["down"]], header.tensors[found["up"]]
    sound = len(down.shape) in {2, 4} and len(up.shape) == len(down.shape) and down.shape[0] == up.shape[1]
    if not sound or not down.shape[0]:
        raise InputError(
            f"{path.name} is damaged:",
            f"{found['down']!r} {list(down.shape)} and its other half {list(up.shape)} do not fit together.",
        )
    return Pair(
        down=found["down"],
        up=found["up"],
        alpha=found.get("alpha"),
        down_shape=down.shape,
        up_shape=up.shape,
        ab="lora_A" in found["down"],
    )


def _metadata_scale(metadata: Mapping[str, str]) -> MetadataScale | None:
    """From ``lora_adapter_metadata``, the PEFT configuration that diffusers writes (since mid-2025)."""
    try:
        content = json.loads(metadata.get("lora_adapter_metadata", ""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    alpha: dict[str, float] = {}
    rank: dict[str, float] = {}
    pattern: dict[str, float] = {}
    for key, value in content.items():
        part, _, name = str(key).rpartition(".")
        if name == "lora_alpha" and _positive(value):
            alpha[part] = float(value)
        elif name == "r" and _positive(value):
            rank[part] = float(value)
        elif name == "alpha_pattern" and isinstance(value, dict):
            pattern |= {str(path): float(one) for path, one in value.items() if _positive(one)}
    return MetadataScale(alpha, rank, pattern) if alpha else None


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6


def count_words(others: Mapping[str, tuple[str, ...]]) -> str:
    """``12 LoHa, 3 DoRA``."""
    counted = Counter({kind: len(stems) for kind, stems in others.items()})
    return ", ".join(f"{number} {kind}" for kind, number in counted.most_common())
