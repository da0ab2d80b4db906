"""A base in the diffusers layout: which files there must be, and what it says of itself. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.errors import InputError
from duktus.domain.style import NoiseLevels, Targets
from duktus.families.family import TeachDefaults, WordDefaults
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.folder_hash import folder_hash, read_json
from duktus.families.roles import Told, decided
from duktus.families.safetensors_header import read_header

P = ParamSpec("P")
UNSAFE = ("*.bin", "*.ckpt", "*.pt", "*.pth")


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one network; ``variant`` as diffusers names it (``fp16`` or none)."""

    path: Path
    variant: str | None
    parts: tuple[Path, ...] = ()
    """The files that ``path``, then an index, names; empty when ``path`` holds the weights itself."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Every safetensors file of them."""
        return self.parts or (self.path,)


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
    noise_levels: NoiseLevels = NoiseLevels.UNIFORM


class WordNote(_Strict):
    """What a base says of teaching it a word."""

    steps: int = Field(ge=1, le=100_000)
    learning_rate: float = Field(gt=0, le=1)
    vectors: int = Field(ge=1, le=75)
    init_word: str = Field(min_length=1)
    source: str


class BaseNote(_Strict):
    """``duktus.json`` beside ``model_index.json``: what a base says of itself."""

    name: str | None = None
    role: Role | None = None
    render: RenderDefaults | None = None
    teach: TeachNote | None = None
    word: WordNote | None = None


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


def teach_defaults(folder: Path, of_family: TeachDefaults) -> TeachDefaults:
    """The family's, with what ``duktus.json`` says instead."""
    teach = read_note(folder).teach
    return of_family if teach is None else replace(of_family, **teach.model_dump(exclude_unset=True))


def word_defaults(folder: Path, of_family: WordDefaults) -> WordDefaults:
    """The family's, with what ``duktus.json`` says instead."""
    word = read_note(folder).word
    return of_family if word is None else WordDefaults(**word.model_dump())


def weights_of(folder: Path, network: str, stem: str) -> Weights:
    """The weights file that loading will use; :class:`InputError` when it is missing or no safetensors."""
    for variant in (None, "fp16"):
        path = folder / network / f"{stem}{f'.{variant}' if variant else ''}.safetensors"
        if path.is_file():
            return Weights(path=path, variant=variant)
        index = path.with_name(f"{stem}.safetensors.index{f'.{variant}' if variant else ''}.json")
        if index.is_file():
            return Weights(path=index, variant=variant, parts=_parts(folder, index))
    unsafe = sorted(path.name for kind in UNSAFE for path in (folder / network).glob(kind))
    if unsafe:
        raise InputError(
            f"{network}/ holds {unsafe[0]} but no safetensors file.",
            "A .bin, .pt or .ckpt file is a Python pickle, which can run any code when it is loaded; "
            "duktus never opens one.",
            "Take the safetensors edition of this base.",
        )
    raise missing(folder, f"{network}/{stem}.safetensors")


def _parts(folder: Path, index: Path) -> tuple[Path, ...]:
    """The files that weights too large for one are spread over."""
    named = read_json(index).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise InputError(f"{index} names no weights.", "Its weight_map is missing or empty.")
    found: list[Path] = []
    for name in sorted({str(part) for part in named.values()}):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise InputError(f"{index} names {name!r}.", "Only safetensors files beside it are read.")
        if not index.with_name(name).is_file():
            raise missing(folder, f"{index.parent.name}/{name}")
        found.append(index.with_name(name))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """The files of a base that decide its pictures, each there and whole."""

    folder: Path
    binary: tuple[Path, ...]
    """Weights and vocabularies."""
    configurations: tuple[Path, ...]

    def hash(self, hashes: FileHashes) -> str:
        """One SHA-256 over them all."""
        return folder_hash(self.folder, self.binary, self.configurations, hashes)


def checked_files(folder: Path, networks: Mapping[str, str], tokenizers: Iterable[str]) -> CheckedFiles:
    """Everything that loading will read, looked at.

    ``networks`` maps the folder of each network to the stem of its weights file.

    Raises:
        InputError: names the file that is missing, truncated or not safetensors.
    """
    weights = [path for network, stem in networks.items() for path in weights_of(folder, network, stem).files]
    for path in weights:
        read_header(path, called=path.relative_to(folder).as_posix())
    configurations = [folder / network / "config.json" for network in networks]
    configurations.append(folder / "scheduler" / "scheduler_config.json")
    for path in configurations:
        if not path.is_file():
            raise missing(folder, path.relative_to(folder).as_posix())
    words = [path for tokenizer in tokenizers for path in vocabulary(folder, tokenizer)]
    configurations += [path for tokenizer in tokenizers for path in _frame(folder / tokenizer)]
    return CheckedFiles(folder, (*weights, *words), tuple(configurations))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a family found in a folder of its own."""

    files: CheckedFiles
    told: Told
    """The role, as far as configurations and scheduler settings tell."""
    render: Callable[[Role], RenderDefaults]
    """The family's values for a base of that role."""


def pinned(
    facts: Facts, name: str, *, family: str, asked: Role | None, hashes: FileHashes = EVERY_BYTE
) -> Base:
    """The base, everything that decides its pictures hashed; ``duktus.json`` goes before the family's facts.

    Raises:
        InputError: neither the files nor the person say the role, or the person asks for one it cannot have.
    """
    folder = facts.files.folder
    note = read_note(folder)
    told = Told(note.role, "Its duktus.json says so.") if note.role else facts.told
    if Role.INPAINTING in (told.role, facts.told.role):  # that is a matter of its shapes
        told = facts.told
    role = decided(told, asked, name)  # before the hash, which takes a while
    return Base(
        name=name,
        family=family,
        weights=facts.files.hash(hashes),
        folder=folder.absolute(),
        role=role,
        render=note.render or facts.render(role),
    )


def of_readable_configurations(describe: Callable[P, Base]) -> Callable[P, Base]:
    """``describe`` of a family, which says so when a configuration lacks a value or has another kind of
    value where it reads one; the files are a person's, and nobody has checked them before.
    """

    @wraps(describe)
    def described(*args: P.args, **kwargs: P.kwargs) -> Base:
        try:
            return describe(*args, **kwargs)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
            why = f"{error} is missing." if isinstance(error, KeyError) else f"{error}."
            raise InputError(
                f"The configurations in {args[0]} do not describe a base:",
                why,
                "Copy or download the base again.",
            ) from error

    return described


def vocabulary(folder: Path, tokenizer: str = "tokenizer") -> list[Path]:
    """The files of a tokenizer in the older spelling, the newer, or both, and the frame of its messages.

    Older are ``vocab.json`` with ``merges.txt`` (CLIP, Qwen) or ``spiece.model`` (T5).
    """
    place = folder / tokenizer
    older = [place / name for name in ("vocab.json", "merges.txt")]
    whole = [place / name for name in ("tokenizer.json", "spiece.model")]
    found = [path for path in (*older, *whole) if path.is_file()]
    if not any(path in found for path in whole) and len(found) < len(older):
        raise missing(folder, f"{tokenizer}/vocab.json or {tokenizer}/merges.txt")
    frame = place / "chat_template.jinja"
    return [*found, frame] if frame.is_file() else found


def _frame(tokenizer: Path) -> list[Path]:
    """The configuration of a tokenizer that holds the frame of its messages itself."""
    path = tokenizer / "tokenizer_config.json"
    return [path] if path.is_file() and "chat_template" in read_json(path) else []


def missing(folder: Path, name: str) -> InputError:
    """The error for a file that a base must have."""
    return InputError(f"{name} is missing in {folder}.", next_step="Copy or download the base again.")
