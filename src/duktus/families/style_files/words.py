"""Files of learned words (textual inversion) from anywhere: what they hold, whose they are, who reads them.

The file is untrusted: its header is looked at first, and tensors are read once names and shapes fit. The
rules about other programs are facts from their sources, which :mod:`duktus.families.word_layout` names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import MismatchError
from duktus.domain.style import Method
from duktus.domain.style_check import ProgramRow, StyleCheck
from duktus.families.safetensors_header import read_header, tensor_hash
from duktus.families.style_file import read_file
from duktus.families.style_files.checking import usable_trigger
from duktus.families.style_files.programs import A1111, COMFYUI, DIFFUSERS, FORGE, INVOKEAI, Program

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from duktus.families.safetensors_header import Header

MOST_VECTORS = 75
"""As many as a prompt holds."""
NARROWEST = 16
FLOATS = {"F32", "F16", "BF16"}
TWO = {"clip_l", "clip_g"}
NAMELESS = {"emb_params", "*", *TWO}
"""Names of tensors that are no words."""
ELSEWHERE = {1024: "Stable Diffusion 2.x"}
"""Widths of vectors of families that duktus does not have."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What vectors a base takes, or a family's public bases."""

    family: str
    name: str
    """The base's own name, or the family's for people."""
    base: str | None
    names: Mapping[str, str]
    """Text encoder -> name of its tensor in the family's one layout."""
    widths: Mapping[str, int]
    """Text encoder -> numbers in a vector."""


@dataclass(frozen=True)
class WordFile:
    """A file of vectors beside the vocabulary they belong to."""

    path: Path
    header: Header
    vocabulary: Vocabulary
    keys: Mapping[str, str]
    """Text encoder -> name of its tensor in this file."""

    @property
    def vectors(self) -> int:
        """How many each text encoder gets."""
        shape = self.header.tensors[next(iter(self.keys.values()))].shape
        return shape[0] if len(shape) == 2 else 1

    @property
    def flat(self) -> bool:
        """Whether its one vector lies there without a row."""
        return any(len(entry.shape) == 1 for entry in self.header.tensors.values())

    @property
    def canonical(self) -> bool:
        """Whether it is in the family's one layout."""
        return not self.flat and dict(self.keys) == dict(self.vocabulary.names)

    @property
    def trigger(self) -> str:
        """The word as the file says it, in its metadata or as the name of its tensor; else, as A1111 takes
        it, the name of the file.
        """
        said = usable_trigger(self.header.metadata.get("modelspec.trigger_phrase", ""))
        named = [usable_trigger(key) for key in self.keys.values() if key not in NAMELESS]
        return said or next(filter(None, named), None) or self.path.stem

    def tensors(self) -> dict[str, Tensor]:
        """The vectors (n, width) of each text encoder in float32; their shapes were checked."""
        found, _ = read_file(self.path)
        return {encoder: found[key].float().reshape(self.vectors, -1) for encoder, key in self.keys.items()}


def is_word(header: Header) -> bool:
    """Whether the file can be nothing but vectors of a word: one tensor of them, or one for each encoder."""
    if len(header.tensors) != 1 and set(header.tensors) != TWO:
        return False
    return all(
        entry.dtype in FLOATS
        and len(entry.shape) in {1, 2}
        and entry.shape[-1] >= NARROWEST
        and (len(entry.shape) == 1 or 1 <= entry.shape[0] <= MOST_VECTORS)
        and not key.endswith((".weight", ".bias", ".alpha"))
        for key, entry in header.tensors.items()
    )


def fit(path: Path, vocabularies: Sequence[Vocabulary]) -> WordFile:
    """The file beside the first vocabulary it fits.

    Raises:
        MismatchError: it fits none; says which widths it has and which were looked for.
    """
    header = read_header(path)
    for vocabulary in vocabularies:
        keys = _keys(header, vocabulary)
        if keys is not None:
            return WordFile(path, header, vocabulary, keys)
    own = sorted({entry.shape[-1] for entry in header.tensors.values()})
    whose = next((f", as those of {ELSEWHERE[width]} have" for width in own if width in ELSEWHERE), "")
    wanted = "; ".join(f"{one.name} {_numbers(one.widths.values())}" for one in vocabularies)
    raise MismatchError(
        f"{path.name} is a learned word of another base.",
        f"Its vectors have {_numbers(own)} numbers{whose}; looked for: {wanted}.",
        "Name the base it was taught on with --base.",
    )


def check(word: WordFile, prove: Callable[[WordFile], str | None] | None = None) -> StyleCheck:
    """Everything that can be said of the file; ``prove`` really loads it with diffusers and says what went
    wrong, or nothing.
    """
    rows = [_row(word, program, *_reads(word, program)) for program in RULES]
    if prove is not None:
        refusal = prove(word)
        rows = [
            row
            if row.program != DIFFUSERS.name
            else row.model_copy(
                update={"proved": True}
                if refusal is None
                else {"proved": True, "loaded": 0, "strength": None, "words": refusal}
            )
            for row in rows
        ]
    return StyleCheck(
        name=word.path.name,
        file_hash=hashlib.sha256(word.path.read_bytes()).hexdigest(),
        tensor_hash=tensor_hash(word.path),
        family=word.vocabulary.family,
        architecture=word.vocabulary.name,
        base=word.vocabulary.base,
        method=Method.TEXTUAL_INVERSION,
        vectors=word.vectors,
        modules=0,
        text_modules=0,
        unmatched=(),
        unsupported={},
        ranks=(),
        layout=", ".join(word.keys.values()),
        canonical=word.canonical,
        traps=_traps(word),
        problems=_problems(word),
        trigger=word.trigger,
        rows=tuple(rows),
    )


RULES: Sequence[Program] = (COMFYUI, A1111, FORGE, DIFFUSERS, INVOKEAI)


def _keys(header: Header, vocabulary: Vocabulary) -> dict[str, str] | None:
    wanted = vocabulary.widths
    if len(header.tensors) != len(wanted):
        return None
    only = next(iter(header.tensors))
    keys = {encoder: vocabulary.names[encoder] if len(wanted) > 1 else only for encoder in wanted}
    found = {encoder: header.tensors.get(key) for encoder, key in keys.items()}
    fits = all(entry is not None and entry.shape[-1] == wanted[encoder] for encoder, entry in found.items())
    counts = {len(entry.shape) == 2 and entry.shape[0] for entry in found.values() if entry is not None}
    return keys if fits and len(counts) == 1 else None


def _traps(word: WordFile) -> tuple[str, ...]:
    traps: list[str] = []
    if word.flat:
        traps.append("one vector without a row of its own")
    if not set(word.keys.values()) <= set(word.vocabulary.names.values()):
        traps.append("a name of its own, which not every program looks for")
    return tuple(traps)


def _problems(word: WordFile) -> tuple[str, ...]:
    if all(bool(torch.isfinite(vectors).all()) for vectors in word.tensors().values()):
        return ()
    return ("its vectors hold NaN or infinite values",)


def _reads(word: WordFile, program: Program) -> tuple[bool, str]:
    """Whether that program loads it, and what is to be said."""
    if program is COMFYUI:
        return True, f"as embedding:{word.path.stem}"
    if program in (A1111, FORGE):
        return True, f"as {word.path.stem}, the name of the file"
    if program is DIFFUSERS:
        each = "one tensor at a time with its text encoder, " if len(word.keys) > 1 else ""
        return True, f"load_textual_inversion, {each}with token={word.trigger!r}"
    known = len(word.keys) > 1 or "emb_params" in word.keys.values() or word.flat
    return known, "" if known else "takes the number of vectors for their width, and refuses the file"


def _row(word: WordFile, program: Program, loads: bool, words: str) -> ProgramRow:
    return ProgramRow(
        program=program.name,
        version=program.version,
        source=SOURCES[program.name],
        measured=program is DIFFUSERS,
        loaded=word.vectors if loads else 0,
        of=word.vectors,
        strength=(1.0, 1.0) if loads else None,
        words=words,
    )


SOURCES = {
    COMFYUI.name: "github.com/comfyanonymous/ComfyUI comfy/sd1_clip.py (load_embed)",
    A1111.name: "github.com/AUTOMATIC1111/stable-diffusion-webui modules/textual_inversion/"
    "textual_inversion.py (create_embedding_from_data)",
    FORGE.name: "github.com/lllyasviel/stable-diffusion-webui-forge modules/textual_inversion, as A1111",
    DIFFUSERS.name: "github.com/huggingface/diffusers src/diffusers/loaders/textual_inversion.py",
    INVOKEAI.name: "github.com/invoke-ai/InvokeAI invokeai/backend/textual_inversion.py and "
    "invokeai/backend/model_manager/configs/textual_inversion.py",
}


def _numbers(widths: Iterable[int]) -> str:
    return " and ".join(map(str, widths))
