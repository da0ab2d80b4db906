"""``style check``: the rule tables applied to one file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import diffusers
import torch

from duktus.domain.style_check import ProgramRow, StyleCheck
from duktus.families.safetensors_header import tensor_hash
from duktus.families.style_files.programs import DIFFUSERS, PROGRAMS, Alpha, Program, Reads, Rest
from duktus.families.style_files.spellings import Spelling
from duktus.families.style_files.truth import FAMILY_WORDS, TEXT_PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duktus.families.style_files.recognising import Recognised

LONGEST_TEXT = 200


def check(style: Recognised) -> StyleCheck:
    """Everything that can be said of a file by rule; every tensor is read once for its health."""
    stems = list(style.places)
    text = [stem for stem in stems if style.is_text(stem)]
    content = style.file.path.read_bytes()
    return StyleCheck(
        name=style.file.path.name,
        file_hash=hashlib.sha256(content).hexdigest(),
        tensor_hash=tensor_hash(style.file.path),
        family=style.truth.family,
        architecture=style.truth.name,
        base=style.truth.base,
        modules=sum(len(style.places[stem].modules) for stem in stems if stem not in text),
        text_modules=len(text),
        unmatched=style.unmatched,
        unsupported={kind: len(found) for kind, found in style.file.others.items()},
        ranks=tuple(sorted({style.file.pairs[stem].rank for stem in stems})),
        layout=style.layout,
        canonical=style.canonical,
        traps=tuple(trap.value for trap in style.traps),
        problems=tuple(problems(style)),
        trigger=trigger(style),
        rows=tuple(row(style, program) for program in PROGRAMS),
    )


def trigger(style: Recognised) -> str | None:
    """The trigger word that the file names, if it is a usable text."""
    return usable_trigger(style.file.header.metadata.get("modelspec.trigger_phrase", ""))


def usable_trigger(said: str) -> str | None:
    """The text as a trigger word, or None."""
    said = said.strip()
    return said if said and len(said) <= LONGEST_TEXT and said.isprintable() else None


def problems(style: Recognised) -> Iterable[str]:
    """Damage: values that are no numbers, or a style that changes nothing."""
    damaged: list[str] = []
    does_something = False
    for stem, *halves in style.file.loaded():
        down, up = (half.float() for half in halves)  # the narrowest dtypes know few operations
        if not (bool(torch.isfinite(down).all()) and bool(torch.isfinite(up).all())):
            damaged.append(stem)
        does_something |= bool(up.any()) and bool(down.any())
    if damaged:
        count = f"{len(damaged)} of {len(style.file.pairs)} modules"
        yield f"{count} hold NaN or infinite values, the first is {damaged[0]}"
    if not does_something:
        yield "every up matrix is zero: the style changes nothing"
    if any(scale == 0 for scale in style.scales.values()):
        yield "alpha is zero: the style changes nothing"


@dataclass(frozen=True, slots=True)
class Proof:
    """What diffusers really did. ``loaded`` are true modules with a weight change; ``ratios`` their strength
    beside the intended one, ``error`` the largest relative error of a weight change at that strength.
    """

    loaded: tuple[str, ...]
    ratios: tuple[float, ...]
    error: float
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a program does with each pair of a file."""

    loaded: frozenset[str]
    unread: tuple[str, ...]
    unknown: tuple[str, ...]
    refused: str


def row(style: Recognised, program: Program) -> ProgramRow:
    """One program's row, by its rules."""
    reads = program.families.get(style.truth.family)
    if reads is None:
        counted = _count(style, style.places, fused=False)
        return _row(
            program, (0, counted[0]), (0, counted[1]), None, f"has no {FAMILY_WORDS[style.truth.family]}"
        )
    reading = _read(style, reads)
    of = _count(style, style.places, fused=reads.fused_counts)
    of = (of[0] + len(style.unmatched) + sum(map(len, style.file.others.values())), of[1])
    if reading.refused:
        return _row(program, (0, of[0]), (0, of[1]), None, reading.refused)
    loaded = _count(style, reading.loaded, fused=reads.fused_counts)
    ratios = [
        _applied(style, stem, reads) / scale for stem in reading.loaded if (scale := style.scales[stem])
    ]
    strength = (min(ratios), max(ratios)) if ratios else None
    if reading.unknown:
        words = f"nobody has said what it does with: {style.layout}"
        return _row(program, (None, of[0]), (None if of[1] else 0, of[1]), None, words)
    return _row(
        program, (loaded[0], of[0]), (loaded[1], of[1]), strength, _words(style, program, reads, reading)
    )


def _row(
    program: Program,
    denoiser: tuple[int | None, int],
    text: tuple[int | None, int],
    strength: tuple[float, float] | None,
    words: str,
) -> ProgramRow:
    return ProgramRow(
        program=program.name,
        version=program.version,
        source=program.source,
        measured=program.measured,
        loaded=denoiser[0],
        of=denoiser[1],
        text_loaded=text[0],
        text_of=text[1],
        strength=None if strength is None else (round(strength[0], 6), round(strength[1], 6)),
        words=words,
    )


def _read(style: Recognised, reads: Reads) -> _Reading:
    loaded: set[str] = set()
    unread: list[str] = []
    unknown: list[str] = []
    for stem, place in style.places.items():
        named = style.file.pairs[stem].named
        read = any(way in reads.spellings for way in place.spellings)
        if read and (not named or place.spellings & (reads.named or set())):
            loaded.add(stem)
        elif (read and reads.named is None) or place.spellings & reads.unknown:
            unknown.append(stem)
        else:
            unread.append(stem)
    return _Reading(frozenset(loaded), tuple(unread), tuple(unknown), _refusal(style, reads, loaded, unread))


def _refusal(style: Recognised, reads: Reads, loaded: Iterable[str], unread: Sequence[str]) -> str:
    if unread and reads.rest is Rest.REFUSED:
        return f"refuses the file: it does not know names such as {unread[0]}"
    if any(_alpha_rule(style, stem, reads) is Alpha.REFUSED for stem in loaded):
        return "refuses the file: alpha beside lora_A/lora_B"
    modules = [module for stem in style.places for module in style.places[stem].modules]
    peft = any(Spelling.PEFT in place.spellings for place in style.places.values())
    missing = [need for need in reads.needs if not any(module.startswith(need) for module in modules)]
    if peft and missing:
        return f"does not recognise the file: it looks for {missing[0].partition('.')[2]}*"
    return ""


def _alpha_rule(style: Recognised, stem: str, reads: Reads) -> Alpha:
    pair = style.file.pairs[stem]
    if pair.alpha is None or not pair.ab:
        return Alpha.USED
    rules = [reads.spellings[way] for way in style.places[stem].spellings if way in reads.spellings]
    return next((rule for rule in rules if rule is not Alpha.USED), Alpha.USED)


def _applied(style: Recognised, stem: str, reads: Reads) -> float:
    """Alpha / rank as the program computes it."""
    pair = style.file.pairs[stem]
    alpha = style.file.alphas.get(stem)
    if alpha is not None:
        return alpha / pair.rank if _alpha_rule(style, stem, reads) is Alpha.USED else 1.0
    if reads.metadata_alpha and style.file.metadata_scale is not None:
        said = style.file.metadata_scale.scale(style.places[stem].modules[0], pair.rank)
        return 1.0 if said is None else said
    return 1.0


def _words(style: Recognised, program: Program, reads: Reads, reading: _Reading) -> str:
    said: list[str] = []
    if reading.unread:
        said.append(f"{reads.rest.value}: {len(reading.unread)} names such as {reading.unread[0]}")
    foreign = [kind for kind in style.file.others if kind not in program.others]
    if foreign:
        said.append(f"does not read {', '.join(foreign)}")
    read = [kind for kind in style.file.others if kind in program.others]
    if read:
        said.append(f"reads {', '.join(read)} too, which is not counted here")
    fused = any(len(style.places[stem].modules) > 1 for stem in reading.loaded)
    if fused and reads.note:
        said.append(reads.note)
    return "; ".join(said)


def _count(style: Recognised, stems: Iterable[str], *, fused: bool) -> tuple[int, int]:
    """(denoiser, text encoder): weights of the original code when ``fused``, else true modules.

    An original weight counts when every pair of the file that touches it is among ``stems``.
    """
    wanted = set(stems)
    text = sum(1 for stem in wanted if style.is_text(stem))
    if not fused:
        counted = sum(len(style.places[stem].modules) for stem in wanted if not style.is_text(stem))
        return counted, text
    owner = {module: name for name, modules in style.truth.native.items() for module in modules}
    touched: dict[str, bool] = {}
    for stem, place in style.places.items():
        if not style.is_text(stem):
            for module in place.modules:
                name = owner.get(module, module)
                touched[name] = touched.get(name, True) and stem in wanted
    return sum(touched.values()), text


def proved(checked: StyleCheck, proof: Proof) -> StyleCheck:
    """The check with its diffusers row replaced by what diffusers really did."""
    rows = tuple(
        _proved(one, proof, checked) if one.program == DIFFUSERS.name else one for one in checked.rows
    )
    return checked.model_copy(update={"rows": rows})


def _proved(by_rule: ProgramRow, proof: Proof, checked: StyleCheck) -> ProgramRow:
    text = sum(module.partition(".")[0] in TEXT_PARTS for module in proof.loaded)
    ratios = proof.ratios
    words = f"refuses the file: {proof.refusal}" if proof.refusal else ""
    if proof.loaded and not words:
        words = (
            f"loaded here; weight changes exact to {proof.error:.0e}"
            if proof.error
            else "loaded here, exactly"
        )
    return by_rule.model_copy(
        update={
            "version": diffusers.__version__,
            "measured": True,
            "proved": True,
            "loaded": len(proof.loaded) - text,
            "of": checked.modules,
            "text_loaded": text,
            "text_of": checked.text_modules,
            "strength": (round(min(ratios), 6), round(max(ratios), 6)) if ratios else None,
            "words": words,
        }
    )
