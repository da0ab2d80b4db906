"""How the field spells one module's name in a style file.

Every spelling is a way *forward* from the true name. A name in a file is looked up among all true names so
spelled; it is never taken apart, because underscores do not say which of them were dots.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from duktus.families.style_files.truth import TEXT_PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duktus.families.style_files.truth import Truth


class Spelling(StrEnum):
    """One way to write a module's name, in words for people."""

    KOHYA = "kohya, diffusers names"
    KOHYA_NATIVE = "kohya, original names"
    KOHYA_DOUBLE = "kohya with a double underscore"
    LYCORIS = "lycoris_, diffusers names"
    LORA_TRANSFORMER = "lora_transformer_, diffusers names"
    PEFT = "PEFT, with the part's name"
    PEFT_WRAPPED = "PEFT, base_model.model."
    BARE = "diffusers names without a prefix"
    PROCESSOR = "older diffusers, .processor."
    COMFY_DIFFUSERS = "diffusion_model., diffusers names"
    COMFY_NATIVE = "diffusion_model., original names"
    TEXT_KOHYA = "text encoder, kohya"
    TEXT_KOHYA_BARE = "text encoder, kohya without text_model_"
    TEXT_PEFT = "text encoder, PEFT"
    TEXT_PEFT_BARE = "text encoder, PEFT without text_model."


@dataclass(frozen=True, slots=True)
class Place:
    """The module, or the fused modules in the order of their rows, that a stem names, and the ways in which
    it is a right spelling of them.
    """

    modules: tuple[str, ...]
    spellings: frozenset[Spelling]


def stems(truth: Truth) -> Mapping[str, Place]:
    """``{the part of a key before its suffix: where it belongs}`` for every spelling of every module."""
    found: dict[str, tuple[tuple[str, ...], set[Spelling]]] = {}
    clashing: set[str] = set()

    def add(stem: str, modules: tuple[str, ...], spelling: Spelling) -> None:
        known = found.setdefault(stem, (modules, set()))
        if known[0] != modules:
            clashing.add(stem)
        known[1].add(spelling)

    for full in truth.modules:
        part, _, path = full.partition(".")
        ways = _text(truth, part, path) if part in TEXT_PARTS else _denoiser(part, path)
        for spelling, stem in ways:
            add(stem, (full,), spelling)
    for name, modules in truth.native.items():
        add(f"lora_unet_{_flat(name)}", modules, Spelling.KOHYA_NATIVE)
        add(f"diffusion_model.{name}", modules, Spelling.COMFY_NATIVE)
    return {
        stem: Place(modules, frozenset(spellings))
        for stem, (modules, spellings) in found.items()
        if stem not in clashing
    }


def spelled(full: str, spelling: Spelling, truth: Truth) -> str:
    """The stem of one true module in a spelling that keeps modules apart."""
    part, _, path = full.partition(".")
    ways = _text(truth, part, path) if part in TEXT_PARTS else _denoiser(part, path)
    return next(stem for kind, stem in ways if kind is spelling)


def _denoiser(part: str, path: str) -> list[tuple[Spelling, str]]:
    flat = _flat(path)
    old = path.replace(".to_", ".processor.to_")
    old = old.removesuffix(".0") if old.endswith(".to_out.0") else old
    return [
        (Spelling.KOHYA, f"lora_unet_{flat}"),
        (Spelling.KOHYA_DOUBLE, f"lora_unet__{flat}"),
        (Spelling.LYCORIS, f"lycoris_{flat}"),
        (Spelling.LORA_TRANSFORMER, f"lora_transformer_{flat}"),
        (Spelling.PEFT, f"{part}.{path}"),
        (Spelling.PEFT_WRAPPED, f"base_model.model.{path}"),
        (Spelling.BARE, path),
        (Spelling.PROCESSOR, f"{part}.{old}"),
        (Spelling.PROCESSOR, old),
        (Spelling.COMFY_DIFFUSERS, f"diffusion_model.{path}"),
    ]


def _text(truth: Truth, part: str, path: str) -> list[tuple[Spelling, str]]:
    if part == "text_encoder_2":
        prefixes = ["lora_te2_"]
    elif truth.family == "sd15":
        prefixes = ["lora_te_", "lora_te1_"]
    else:
        prefixes = ["lora_te1_", "lora_te_"]
    bare = path.removeprefix("text_model.")
    return [
        *((Spelling.TEXT_KOHYA, f"{prefix}{_flat(path)}") for prefix in prefixes),
        *((Spelling.TEXT_KOHYA_BARE, f"{prefix}{_flat(bare)}") for prefix in prefixes if bare != path),
        (Spelling.TEXT_PEFT, f"{part}.{path}"),
        *([(Spelling.TEXT_PEFT_BARE, f"{part}.{bare}")] if bare != path else []),
    ]


def _flat(path: str) -> str:
    return path.replace(".", "_")
