"""From plain values, as Python gives them, to what is to be different in a child."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from duktus.actions.beginnings.beginning_asked import NAMES, from_options
from duktus.actions.going_on import Wanted
from duktus.domain import axes
from duktus.domain.errors import InputError
from duktus.domain.prompt_edits import PromptEdits, swap

_EDITS = ("swap", "drop", "add", "negative_swap", "negative_drop", "negative_add")
_PLAIN = ("prompt", "negative", "strength", "cfg", "guidance", "steps", "sampler",
          "schedule", "size", "clip_skip", "seed", "style", "base", "without")  # fmt: skip


def wanted(changes: Mapping[str, Any]) -> Wanted:
    """What the values say; :class:`InputError` naming the nearest known name for one that does not exist."""
    beginning, changes = from_options(changes)
    known = (*_PLAIN, *_EDITS)
    for name in changes:
        if name not in known:
            near = get_close_matches(name, [*known, *NAMES], 1)
            raise InputError(
                f"The change '{name}' is unknown.",
                f"Known: {', '.join([*known, *NAMES])}.",
                f"Did you mean '{near[0]}'?" if near else "",
            )
    sampler, schedule, size = (changes.get(name) for name in ("sampler", "schedule", "size"))
    return Wanted(
        prompt=changes.get("prompt"),
        negative=changes.get("negative"),
        prompt_edits=_edits(changes, ""),
        negative_edits=_edits(changes, "negative_"),
        styles=tuple(axes.style_strength(one) for one in _several(changes.get("style"))),
        text_strengths=tuple(
            filter(None, (axes.style_text_strength(one) for one in _several(changes.get("style"))))
        ),
        strength=changes.get("strength"),
        seeds=_several(changes.get("seed")),
        cfg=changes.get("cfg"),
        guidance=changes.get("guidance"),
        steps=changes.get("steps"),
        sampler=axes.samplers([str(sampler)])[0] if sampler else None,
        schedule=axes.schedules([str(schedule)])[0] if schedule else None,
        size=(size[0], size[1]) if size else None,
        beginning=beginning,
        clip_skip=changes.get("clip_skip"),
        base=changes.get("base"),
        without=tuple(str(part) for part in _several(changes.get("without"))),
    )


def _edits(changes: Mapping[str, Any], which: str) -> PromptEdits:
    return PromptEdits(
        tuple(swap(text) for text in _several(changes.get(f"{which}swap"))),
        _several(changes.get(f"{which}drop")),
        _several(changes.get(f"{which}add")),
    )


def _several(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
