"""The ``parameters`` text that A1111, Forge, ComfyUI, Civitai and SwarmUI read from a picture.

Their readers are fragile, so this writer is narrow (what each reader breaks on was tried against its rules):
the prompt on one line; always a ``Negative prompt:`` line (ComfyUI's importer does nothing without) on one
line (SwarmUI loses everything otherwise); no JSON; LoRA tags with one positive weight and an ASCII name
(Civitai's pattern rejects others). No ``Model hash``: its meaning is the hash of a single checkpoint file,
which a base in folder layout does not have, and a false hash is worse than none. ``Lora hashes`` holds the
first 12 digits of the tensor hash (AutoV3).
"""

from __future__ import annotations

import re

import duktus
from duktus.domain.recipe import AdapterRef, Recipe, Schedule

SCHEDULE_TYPES = {
    Schedule.NORMAL: "Normal",
    Schedule.KARRAS: "Karras",
    Schedule.EXPONENTIAL: "Exponential",
}


def parameters_text(recipe: Recipe) -> str:
    """The three parts, separated by newlines: prompt with tags, negative prompt, details."""
    tags = [
        f"<lora:{slug(adapter.name)}:{_strengths(adapter)}>"
        for adapter in recipe.adapters
        if adapter.strength > 0 and adapter.word is None
    ]
    details = [
        ("Steps", str(recipe.steps)),
        ("Sampler", recipe.sampler.value),
        ("Schedule type", SCHEDULE_TYPES[recipe.schedule]),
        ("CFG scale", _number(recipe.cfg)),
        *([("Distilled CFG Scale", _number(recipe.guidance))] if recipe.guidance is not None else []),
        ("Seed", str(recipe.seed)),
        ("Size", f"{recipe.width}x{recipe.height}"),
        ("Model", slug(recipe.base.name)),
        *([("Clip skip", str(recipe.clip_skip))] if recipe.clip_skip is not None else []),
        ("RNG", "CPU"),
        *_beginning(recipe),
    ]
    for key, learned in (("Lora hashes", False), ("TI hashes", True)):
        of_kind = [adapter for adapter in recipe.adapters if (adapter.word is not None) is learned]
        if of_kind:
            hashes = ", ".join(f"{slug(one.word or one.name)}: {one.style[:12]}" for one in of_kind)
            details.append((key, f'"{hashes}"'))
    details.append(("Version", f"duktus {duktus.__version__}"))
    return "\n".join([
        " ".join([_line(recipe.prompt), *tags]),
        f"Negative prompt: {_line(recipe.negative_prompt)}",
        ", ".join(f"{key}: {value}" for key, value in details),
    ])  # fmt: skip


def _beginning(recipe: Recipe) -> list[tuple[str, str]]:
    """What a picture begins from, under A1111's keys; masks, controls and references have none that
    would be true.
    """
    found: list[tuple[str, str]] = []
    if recipe.source is not None:
        found.append(("Denoising strength", _number(recipe.source.denoise)))
    if recipe.variation is not None:
        found.append(("Variation seed", str(recipe.variation.seed)))
        found.append(("Variation seed strength", _number(recipe.variation.strength)))
    if recipe.hires is not None:
        found.append(("Denoising strength", _number(recipe.hires.denoise)))
        found.append(("Hires resize", f"{recipe.hires.width}x{recipe.hires.height}"))
        found.append(("Hires steps", str(recipe.hires.steps)))
    if recipe.refine is not None:
        found.append(("Refiner", slug(recipe.refine.name)))
        found.append(("Refiner switch at", _number(recipe.refine.at)))
    return found


def slug(name: str) -> str:
    """A name of ASCII letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-") or "unnamed"


def _line(text: str) -> str:
    return " ".join(text.split())


def _strengths(adapter: AdapterRef) -> str:
    """One number, or that of the text encoder and that of the denoiser where they differ."""
    text = adapter.strength if adapter.strength_text is None else adapter.strength_text
    whole = _number(adapter.strength)
    return whole if text == adapter.strength else f"{_number(text)}:{whole}"


def _number(value: float) -> str:
    """Without a needless fraction or exponent: ``0.85``, ``7``."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
