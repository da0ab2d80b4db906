"""What the sheet says about its pictures in words: shared parameters, captions, ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from duktus.domain.beginning_told import beginning_told
from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.decision import DecisionKind, Label
from duktus.domain.recipe import Recipe
from duktus.domain.series import Axis
from duktus.rendering.sheet.arrangement import TEXT_AXES, Slot, value_words
from duktus.rendering.sheet.cell import SheetCell
from duktus.rendering.sheet.words import Words


def styles(recipe: Recipe) -> str:
    """The styles by name, e.g. ``laz + ink``; empty without one."""
    return " + ".join(adapter.name for adapter in recipe.adapters)


def strengths(recipe: Recipe) -> str:
    """The strengths of the styles in the same order, e.g. ``1.2 + 0.5``."""
    return " + ".join(value_words(adapter.strength) for adapter in recipe.adapters)


PARAMETERS: tuple[tuple[str, Callable[[Recipe], str]], ...] = (
    ("base", lambda r: r.base.name),
    ("style", styles),
    ("strength", strengths),
    ("cfg", lambda r: value_words(r.cfg)),
    ("guidance", lambda r: "" if r.guidance is None else value_words(r.guidance)),
    ("seed", lambda r: str(r.seed)),
    ("steps", lambda r: str(r.steps)),
    ("sampler", lambda r: r.sampler.value),
    ("schedule", lambda r: r.schedule.value),
    ("size", lambda r: "{} x {}".format(*r.picture_size)),
    ("clip skip", lambda r: "" if r.clip_skip is None else str(r.clip_skip)),
    ("prompt", lambda r: r.prompt),
    ("negative", lambda r: r.negative_prompt),
)
"""The parameters of a recipe in the order the sheet names them."""

_IN_CAPTION = ("strength", "cfg", "seed")


def parameters(recipe: Recipe) -> list[tuple[str, str]]:
    """(name, value in words) of everything a recipe sets, what it begins from last; empty values left out."""
    named = [(name, words) for name, of in PARAMETERS if (words := of(recipe))]
    return named + [(part.label, part.words) for part in beginning_told(recipe)]


def shared(cells: Sequence[SheetCell]) -> dict[str, str]:
    """The parameters that are the same, and not empty, in every cell."""
    first, *others = [dict(parameters(cell.recipe)) for cell in cells] or [{}]
    return {name: words for name, words in first.items() if all(one.get(name) == words for one in others)}


def caption(slot: Slot, axes: Sequence[Axis]) -> list[tuple[str, str]]:
    """What stands under a picture: strength, cfg and seed always, and whatever else varies except texts."""
    if slot.cell is None:
        return [heading for heading in slot.headings if heading[0] not in TEXT_AXES]
    among = {axis.name: axis.values for axis in axes}
    recipe = slot.cell.recipe
    known = dict(parameters(recipe))
    if len(recipe.adapters) == 1:
        known["strength"] = value_words(recipe.adapters[0].strength, among.get("strength", ()))
    known["cfg"] = value_words(recipe.cfg, among.get("cfg", ()))
    varying = {
        name: value for name, value in slot.headings if name not in TEXT_AXES and name not in _IN_CAPTION
    }
    words = {**varying, **known}  # an axis that is no parameter of its own, e.g. two zipped, says its value
    return [(name, words[name]) for name in (*_IN_CAPTION, *varying) if words.get(name)]


def standing_words(cell: SheetCell, words: Words) -> str:
    """E.g. ``kept, 4 stars``; empty when nothing was decided."""
    standing = cell.standing
    parts = [words[standing.verdict.value]] if standing.verdict else []
    if standing.stars:
        parts.append(words.number_of("stars", standing.stars))
    if standing.label:
        parts.append(words.fill("label", colour=words[standing.label.value]))
    return ", ".join(parts)


def collections_words(cell: SheetCell, words: Words) -> str:
    """E.g. ``in wall, exhibition``; empty when it is in none."""
    return words.fill("in", names=", ".join(cell.collections)) if cell.collections else ""


def tally(cells: Sequence[SheetCell], slots: int, words: Words) -> str:
    """E.g. ``28 of 30 pictures, 4 kept, 2 discarded``."""
    n = len(cells)
    parts = [words.number_of("pictures", n) if n == slots else words.fill("of", n=n, total=slots)]
    for verdict, key in ((DecisionKind.KEEP, "kept_n"), (DecisionKind.DISCARD, "discarded_n")):
        if decided := sum(cell.standing.verdict is verdict for cell in cells):
            parts.append(words.fill(key, n=decided))
    labels = [cell.standing.label for cell in cells if cell.standing.label]
    parts += [
        words.fill("labelled_n", n=labels.count(label), colour=words[label.value])
        for label in Label
        if label in labels
    ]
    return ", ".join(parts)


def imprint(cells: Sequence[SheetCell], words: Words) -> str:
    """The ids that pin the sheet without a date: its recipes, and one hash over all of them in order."""
    if not cells:
        return ""
    if len(cells) == 1:
        return f"{words['recipe']} {cells[0].recipe.id}"
    digest = sha256_hex(canonical_json([cell.recipe.hash for cell in cells]))[:16]
    recipes = words.fill("recipes", first=cells[0].recipe.id, last=cells[-1].recipe.id)
    return f"{recipes}, {words.fill('set', id=digest)}"
