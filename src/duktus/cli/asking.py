"""From the options of ``render`` and ``sweep`` to a request."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from duktus.actions.recipes.request import Request
    from duktus.cli.beginning import Begins

DEFAULT_SEED = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as typed; empty where nothing was said."""

    prompts: list[str]
    style: list[str] | None = None
    strength: str | None = None
    negative: list[str] | None = None
    seed: str | None = None
    cfg: str | None = None
    guidance: str | None = None
    steps: str | None = None
    sampler: list[str] | None = None
    schedule: list[str] | None = None
    size: str | None = None
    clip_skip: str | None = None
    count: int | None = None
    base: str | None = None
    strengths: list[str] | None = None
    """Each ``0.8,1.0`` or, for one of several styles, ``NAME=0.8,1.0``."""
    bases: list[str] | None = None
    replace: list[str] | None = None
    zipped: list[str] | None = None
    skip: list[str] | None = None
    denoise: str | None = None
    control_weight: str | None = None
    reference_weight: str | None = None
    variation_strength: str | None = None
    hires_denoise: str | None = None
    text_strengths: list[str] | None = None
    """As ``strengths``."""
    draw: int | None = None
    wildcard_seed: int | None = None
    seedless: bool = False
    """Without --seed there is none: what is asked for adds to something that has seeds."""


def request(asked: Asked, *, several: bool, begins: Begins | None = None) -> Request:
    """The request behind the options.

    ``several`` allows lists and ranges (a sweep). Without a seed a render draws one; a sweep takes 1, so
    that the same command names the same series.
    """
    from duktus.actions.beginnings.beginning_asked import Beginning
    from duktus.actions.recipes.request import Request
    from duktus.domain import axes

    made = Request(
        prompts=tuple(axes.texts(asked.prompts)) if several else tuple(asked.prompts),
        styles=styles(asked.style),
        text_strengths=tuple(filter(None, map(axes.style_text_strength, asked.style or []))),
        strengths=_strengths(asked),
        cfgs=_numbers("cfg", asked.cfg),
        guidances=_numbers("guidance", asked.guidance),
        samplers=tuple(axes.samplers(asked.sampler or [])),
        schedules=tuple(axes.schedules(asked.schedule or [])),
        steps=tuple(axes.whole_numbers("steps", asked.steps)) if asked.steps is not None else (),
        sizes=tuple(axes.sizes(asked.size)) if asked.size is not None else (),
        clip_skips=tuple(axes.whole_numbers("clip-skip", asked.clip_skip))
        if asked.clip_skip is not None
        else (),
        negatives=tuple(axes.texts(asked.negative or [])) if several else tuple(asked.negative or []),
        beginning=Beginning() if begins is None else begins.beginning(),
        denoises=_numbers("denoise", asked.denoise),
        control_weights=_numbers("control-weight", asked.control_weight),
        reference_weights=_numbers("reference-weight", asked.reference_weight),
        variation_strengths=_numbers("variation-strength", asked.variation_strength),
        hires_denoises=_numbers("hires-denoise", asked.hires_denoise),
        style_text_strengths=_text_strengths(asked),
        seeds=() if asked.seedless and asked.seed is None else _seeds(asked, several=several),
        bases=tuple(axes.texts(asked.bases or ([asked.base] if asked.base else []))),
        style_strengths=_style_strengths(asked.strengths),
        replacements=tuple(axes.search_replace(text) for text in asked.replace or []),
        zipped=tuple(tuple(axes.names(text)) for text in asked.zipped or []),
        skipped=tuple(axes.pairs("skip", text) for text in asked.skip or []),
        draw=_at_least("draw", asked.draw, 1),
        wildcard_seed=1
        if asked.wildcard_seed is None
        else _at_least("wildcard-seed", asked.wildcard_seed, 0) or 0,
    )
    if not several:
        _only_one(made)
    return made


def _numbers(option: str, text: str | None) -> tuple[float, ...]:
    from duktus.domain import axes

    return () if text is None else tuple(axes.numbers(option, text))


def _text_strengths(asked: Asked) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """By style; without a name it is that of the one style."""
    used = [name for name, _ in styles(asked.style)]
    found: dict[str, tuple[float, ...]] = {}
    for text in asked.text_strengths or []:
        name, equals, values = text.partition("=")
        if not equals and len(used) != 1:
            raise InputError(
                f"text-strength was given with {len(used) or 'no'} styles.",
                "It is the text strength of one style.",
                "Name which one you mean: --text-strength NAME=0.8,1.0.",
            )
        style = name.strip() if equals else used[0]
        found[style] = (*found.get(style, ()), *_numbers("text-strength", values if equals else text))
    return tuple(found.items())


def _strengths(asked: Asked) -> tuple[float, ...]:
    from duktus.domain import axes

    plain = [text for text in asked.strengths or [] if "=" not in text]
    plain += [] if asked.strength is None else [asked.strength]
    return tuple(dict.fromkeys(value for text in plain for value in axes.numbers("strength", text)))


def _style_strengths(given: list[str] | None) -> tuple[tuple[str, tuple[float, ...]], ...]:
    from duktus.domain import axes

    named = [text.partition("=") for text in given or [] if "=" in text]
    return tuple((name.strip(), tuple(axes.numbers("strength", values))) for name, _, values in named)


def _at_least(option: str, value: int | None, least: int) -> int | None:
    if value is not None and value < least:
        raise InputError(f"{option} {value} is too small.", "", f"Give {least} or more.")
    return value


def _seeds(asked: Asked, *, several: bool) -> tuple[int, ...]:
    from duktus.domain import axes
    from duktus.domain.recipe import MAX_SEED

    count = 1 if asked.count is None else asked.count
    if count < 1:
        raise InputError(f"count {count} is not a number of pictures.", "", "Give 1 or more.")
    if asked.seed is None:
        first = DEFAULT_SEED if several else secrets.randbelow(MAX_SEED + 2 - count)
        return tuple(range(first, first + count))
    seeds = axes.whole_numbers("seed", asked.seed)
    if count > 1 and len(seeds) > 1:
        raise InputError(
            "Both --count and a list of seeds were given.",
            "--count makes consecutive seeds from one.",
            "Give one of the two.",
        )
    return tuple(range(seeds[0], seeds[0] + count)) if count > 1 else tuple(seeds)


def _only_one(made: Request) -> None:
    lists = {
        "strength": made.strengths,
        "cfg": made.cfgs,
        "guidance": made.guidances,
        "steps": made.steps,
        "sampler": made.samplers,
        "schedule": made.schedules,
        "size": made.sizes,
        "clip-skip": made.clip_skips,
        "negative": made.negatives,
    }
    for option, values in lists.items():
        if len(values) > 1:
            raise InputError(
                f"{option} was given {len(values)} values.",
                "duktus render takes one setting.",
                "duktus sweep renders every value of a list.",
            )


def styles(given: list[str] | None) -> tuple[tuple[str, float], ...]:
    """(name, strength) of each ``NAME:STRENGTH``."""
    from duktus.domain import axes

    found = [axes.style_strength(text) for text in given or []]
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        raise InputError(
            "The same style was named twice.",
            "Its strengths would add up.",
            "Name it once, with --strength for several strengths.",
        )
    return tuple(found)
