"""A base in the diffusers layout: which files there must be, and what it says of itself. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duktus.domain.base import RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.domain.style import Targets
from duktus.families.folder_hash import folder_hash, read_json
from duktus.families.safetensors_header import read_header

UNSAFE = ("*.bin", "*.ckpt", "*.pt", "*.pth")


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights file of one network; ``variant`` as diffusers names it (``fp16`` or none)."""

    path: Path
    variant: str | None


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TeachNote(_Strict):
    """What a base says of teaching on it."""

    steps: int = Field(ge=1, le=100_000)
    learning_rate: float = Field(gt=0, le=1)
    batch: int = Field(ge=1, le=256)
    resolution: int = Field(ge=64, le=4096, multiple_of=8)
    targets: Targets
    source: str
    min_snr_gamma: float | None = Field(default=5.0, gt=0)


class BaseNote(_Strict):
    """``duktus.json`` beside ``model_index.json``: what a base says of itself."""

    name: str | None = None
    role: Role | None = None
    render: RenderDefaults | None = None
    teach: TeachNote | None = None


def read_note(folder: Path) -> BaseNote:
    """The base's own words; empty where there are none. :class:`InputError` says where a mistake is."""
    path = folder / "duktus.json"
    if not path.exists():
        return BaseNote()
    try:
        return BaseNote.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path} cannot be used:", f"{place}: {first['msg']}.") from error


def weights_of(folder: Path, network: str, stem: str) -> Weights:
    """The weights file that loading will use; :class:`InputError` when it is missing or no safetensors."""
    for variant in (None, "fp16"):
        path = folder / network / f"{stem}{f'.{variant}' if variant else ''}.safetensors"
        if path.is_file():
            return Weights(path=path, variant=variant)
    unsafe = sorted(path.name for kind in UNSAFE for path in (folder / network).glob(kind))
    if unsafe:
        raise InputError(
            f"{network}/ holds {unsafe[0]} but no safetensors file.",
            "A .bin, .pt or .ckpt file is a Python pickle, which can run any code when it is loaded; "
            "duktus never opens one.",
            "Take the safetensors edition of this base.",
        )
    raise missing(folder, f"{network}/{stem}.safetensors")


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """The files of a base that decide its pictures, each there and whole."""

    folder: Path
    binary: tuple[Path, ...]
    """Weights and vocabularies."""
    configurations: tuple[Path, ...]

    def hash(self) -> str:
        """One SHA-256 over them all; reads every byte."""
        return folder_hash(self.folder, self.binary, self.configurations)


def checked_files(folder: Path, networks: Mapping[str, str], tokenizers: Iterable[str]) -> CheckedFiles:
    """Everything that loading will read, looked at.

    ``networks`` maps the folder of each network to the stem of its weights file.

    Raises:
        InputError: names the file that is missing, truncated or not safetensors.
    """
    weights = [weights_of(folder, network, stem).path for network, stem in networks.items()]
    for path in weights:
        read_header(path)
    configurations = [folder / network / "config.json" for network in networks]
    configurations.append(folder / "scheduler" / "scheduler_config.json")
    for path in configurations:
        if not path.is_file():
            raise missing(folder, path.relative_to(folder).as_posix())
    words = [path for tokenizer in tokenizers for path in vocabulary(folder, tokenizer)]
    return CheckedFiles(folder, (*weights, *words), tuple(configurations))


def vocabulary(folder: Path, tokenizer: str = "tokenizer") -> list[Path]:
    """The files of a CLIP tokenizer, in the older spelling, the newer, or both."""
    older = [folder / tokenizer / name for name in ("vocab.json", "merges.txt")]
    newer = folder / tokenizer / "tokenizer.json"
    found = [path for path in (*older, newer) if path.is_file()]
    if newer not in found and len(found) < len(older):
        raise missing(folder, f"{tokenizer}/vocab.json or {tokenizer}/merges.txt")
    return found


def missing(folder: Path, name: str) -> InputError:
    """The error for a file that a base must have."""
    return InputError(f"{name} is missing in {folder}.", next_step="Copy or download the base again.")
