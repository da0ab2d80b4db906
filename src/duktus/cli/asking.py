"""From the options of ``render`` and ``sweep`` to a request."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from duktus.actions.request import Request
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
    count: int | None = None
    base: str | None = None


def request(asked: Asked, *, several: bool, begins: Begins | None = None) -> Request:
    """The request behind the options.

    ``several`` allows lists and ranges (a sweep). Without a seed a render draws one; a sweep takes 1, so
    that the same command names the same series.
    """
    from duktus.actions.beginning_asked import Beginning
    from duktus.actions.request import Request
    from duktus.domain import axes

    made = Request(
        prompts=tuple(axes.texts(asked.prompts)) if several else tuple(asked.prompts),
        styles=styles(asked.style),
        text_strengths=tuple(filter(None, map(axes.style_text_strength, asked.style or []))),
        strengths=tuple(axes.numbers("strength", asked.strength)) if asked.strength is not None else (),
        cfgs=tuple(axes.numbers("cfg", asked.cfg)) if asked.cfg is not None else (),
        guidances=tuple(axes.numbers("guidance", asked.guidance)) if asked.guidance is not None else (),
        samplers=tuple(axes.samplers(asked.sampler or [])),
        schedules=tuple(axes.schedules(asked.schedule or [])),
        steps=tuple(axes.whole_numbers("steps", asked.steps)) if asked.steps is not None else (),
        sizes=tuple(axes.sizes(asked.size)) if asked.size is not None else (),
        negatives=tuple(axes.texts(asked.negative or [])) if several else tuple(asked.negative or []),
        seeds=_seeds(asked, several=several),
        base=asked.base,
        beginning=Beginning() if begins is None else begins.beginning(),
    )
    if not several:
        _only_one(made)
    return made


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
