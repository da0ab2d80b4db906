"""What changed from one recipe to another, parameter by parameter and, in prompts, fragment by fragment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from pydantic import BaseModel, ConfigDict

from duktus.domain.beginning_told import (
    ALWAYS_THERE,
    LABELS,
    MOSTLY_NOUGHT,
    PINNED,
    Named,
    Said,
    as_it_is,
    label_of,
    part_told,
    short,
)
from duktus.domain.foreign import ForeignRecipe
from duktus.domain.recipe import Recipe

_ALIKE = 0.5
"""From this likeness on (difflib's ratio, 0 to 1) a fragment counts as reworded, not as another one."""

_COMMA = re.compile(r",(?![^(\[]*[)\]])")
"""A comma outside brackets: (red, blue:1.2) stays one fragment."""

TEXTS = ("prompt", "negative_prompt")


class Change(BaseModel):
    """One parameter with its two values; None where one recipe lacks it.

    For prompts, which fragments were added, removed or reworded says it shorter than both texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    before: Any = None
    after: Any = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    reworded: tuple[tuple[str, str], ...] = ()


def flat(recipe: Recipe) -> dict[str, Any]:
    """Every parameter of a recipe under a name for people, each style with a strength of its own."""
    values = recipe.as_json()
    named: dict[str, Any] = {"base": values["base"]["name"], "base weights": values["base"]["weights"]}
    for adapter in values.pop("adapters", []):
        named[f"style {adapter['name']}"] = adapter["style"]
        named[f"strength of {adapter['name']}"] = adapter["strength"]
        if "strength_text" in adapter:
            named[f"text strength of {adapter['name']}"] = adapter["strength_text"]
    for name, value in values.items():
        if name in {"base", "schema"}:
            continue
        named.update(_opened(name, value))
    return named


def flat_foreign(said: ForeignRecipe) -> dict[str, Any]:
    """What another program wrote, under the same names; what it does not say is left out."""
    named: dict[str, Any] = {"base": said.model.name} if said.model else {}
    for adapter in said.adapters:
        named[f"style {adapter.name}"] = adapter.hash
        named[f"strength of {adapter.name}"] = adapter.strength
        if adapter.strength_text is not None:
            named[f"text strength of {adapter.name}"] = adapter.strength_text
    own = {
        "prompt",
        "negative_prompt",
        "seed",
        "steps",
        "cfg",
        "guidance",
        "sampler",
        "schedule",
        "width",
        "height",
        "noise",
        "clip_skip",
    }
    named.update(said.model_dump(include=own, exclude_none=True))
    if said.variation_seed is not None and said.variation_strength:
        named["variation seed"] = said.variation_seed
        named["variation strength"] = said.variation_strength
    return named


def _opened(name: str, value: Any) -> dict[str, Any]:
    """Nested values one by one under names that lead to them: ``source denoise``, ``controls 1 weight``."""
    if isinstance(value, dict):
        parts: dict[str, Any] = value
    elif isinstance(value, list):
        listed: list[Any] = value
        parts = {str(place): one for place, one in enumerate(listed, start=1)}
    else:
        return {name: value}
    return {
        inner: part for key, one in parts.items() for inner, part in _opened(f"{name} {key}", one).items()
    }


def changes(a: Recipe | ForeignRecipe, b: Recipe | ForeignRecipe) -> tuple[Change, ...]:
    """What changed from ``a`` to ``b``, in the order of the recipe; empty when they are the same.

    Where one is of another program, only what it says is compared, and styles by their names: which hash a
    file holds depends on the program.
    """
    one, other = (flat(each) if isinstance(each, Recipe) else flat_foreign(each) for each in (a, b))
    whole = isinstance(a, Recipe) and isinstance(b, Recipe)
    return tuple(
        _change(name, one.get(name), other.get(name))
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name) and (whole or _comparable(name, one, other))
    )


def _comparable(name: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    both = name in one and name in other
    return not both if name.startswith("style ") else both or name.startswith("strength of ")


def for_people(changed: Sequence[Change], named: Named = short, said: Said = as_it_is) -> list[Change]:
    """The changes as a person would tell them: what came or went whole (a control, a mask) is one of them,
    its values in words of the language that ``said`` speaks, hashes are short or left out, and pictures are
    called what ``named`` calls them.
    """
    parts: dict[str, list[Change]] = {}
    for one in changed:
        parts.setdefault(_part(one.name), []).append(one)
    told: list[Change] = []
    for part, several in parts.items():
        told += _whole(part, several, named, said) if part.split()[0] in LABELS else several
    return [one for one in told if one.name != "base weights"]


def told(changed: Sequence[Change]) -> list[str]:
    """Each change in a few words: ``cfg 4.2 -> 4.4``, ``prompt + "blue background"``."""
    return [_told(one) for one in for_people(changed)]


def _part(name: str) -> str:
    """``controls 1`` of ``controls 1 weight``, ``source`` of ``source denoise``; else the name itself."""
    first, _, rest = name.partition(" ")
    if first not in LABELS or not rest:
        return name
    number = rest.partition(" ")[0]
    return f"{first} {number}" if number.isdecimal() else first


def _whole(part: str, several: Sequence[Change], named: Named, said: Said) -> list[Change]:
    """The changes of one part: one where it came or went, else those of its values."""
    kind, _, number = part.partition(" ")
    label = label_of(kind, int(number or 1))
    inner = {one.name.removeprefix(part).strip(): one for one in several}
    before = {name: one.before for name, one in inner.items() if one.before is not None}
    after = {name: one.after for name, one in inner.items() if one.after is not None}
    if ALWAYS_THERE[kind] in inner and not (before and after):
        words = part_told(label, before or after, named, said).words
        return [Change(name=label, before=words if before else None, after=words if after else None)]
    return [
        Change(
            name=label if name == "picture" else name if kind == "source" else f"{label} {name}",
            before=named(one.before) if isinstance(one.before, str) else one.before,
            after=named(one.after) if isinstance(one.after, str) else one.after,
        )
        for name, one in inner.items()
        if (name not in PINNED or len(inner) == 1)
        and ((one.before or one.after) or not name.startswith(MOSTLY_NOUGHT))
    ]


def plain(value: Any) -> str:
    """A value as a person writes it: 4 for 4.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(one: Change) -> str:
    name = one.name.replace("_", " ")
    if name.startswith("style "):  # its value is a hash, which says nothing to a person
        return f"{'with' if one.before is None else 'without' if one.after is None else 'another'} {name}"
    pieces = [f'"{here}" -> "{there}"' for here, there in one.reworded]
    pieces += [f'- "{part}"' for part in one.removed]
    pieces += [f'+ "{part}"' for part in one.added]
    if pieces:
        return f"{name} {', '.join(pieces)}"
    if one.name in TEXTS and one.before is not None and one.after is not None:
        return f"{name}: the same parts in another order or spelling"
    if one.before is None:
        return f"{name} {plain(one.after)}"
    if one.after is None:
        return f"{name} no longer {plain(one.before)}"
    return f"{name} {plain(one.before)} -> {plain(one.after)}"


def fragments(prompt: str) -> list[str]:
    """The parts of a prompt between commas, without surrounding space; empty ones left out."""
    return [part.strip() for part in _COMMA.split(prompt) if part.strip()]


def _change(name: str, before: Any, after: Any) -> Change:
    if name not in TEXTS or not isinstance(before, str) or not isinstance(after, str):
        return Change(name=name, before=before, after=after)
    old, new = fragments(before), fragments(after)
    removed, added = _without(old, new), _without(new, old)
    pairs = _pairs(removed, added)
    return Change(
        name=name,
        before=before,
        after=after,
        added=tuple(_without(added, [there for _, there in pairs])),
        removed=tuple(_without(removed, [here for here, _ in pairs])),
        reworded=tuple(pairs),
    )


def _without(some: Sequence[str], others: Sequence[str]) -> list[str]:
    """The fragments that are not among the others, as often as they stand there more often."""
    left = Counter(others)
    kept: list[str] = []
    for one in some:
        if left[one]:
            left[one] -= 1
        else:
            kept.append(one)
    return kept


def _pairs(removed: Sequence[str], added: Sequence[str]) -> list[tuple[str, str]]:
    """Fragments that were reworded: the likest pairs first, told in the order of the old prompt."""
    likeness = sorted(
        (
            (SequenceMatcher(None, here.split(), there.split()).ratio(), i, j)
            for i, here in enumerate(removed)
            for j, there in enumerate(added)
        ),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    taken: dict[int, int] = {}
    for ratio, i, j in likeness:
        if ratio >= _ALIKE and i not in taken and j not in taken.values():
            taken[i] = j
    return [(removed[i], added[taken[i]]) for i in sorted(taken)]
