"""What the diary says about its pictures, the same in every layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from duktus.domain.beginning_told import LABELS, WORDED, Named, beginning_told, short
from duktus.domain.changes import TEXTS, Change, for_people, plain
from duktus.domain.decision import DecisionEvent, DecisionKind, Label
from duktus.domain.foreign import ForeignRecipe
from duktus.domain.recipe import Lane, Recipe
from duktus.rendering.diary.content import Diary, Entry
from duktus.rendering.diary.words import Words

Pair = tuple[str, str]
"""The name of something and its value, both in words."""


def day(moment: datetime) -> str:
    """A date that sorts and is read the same everywhere: 2026-03-14."""
    return f"{moment:%Y-%m-%d}"


def summary(diary: Diary, words: Words) -> str:
    """E.g. ``40 pictures, 3 kept, 2 discarded, 35 undecided · 2026-03-01 to 2026-03-14``."""
    verdicts = [entry.standing.verdict for entry in diary.entries]
    parts = [words.count("pictures", len(verdicts))]
    for verdict, key in (
        (DecisionKind.KEEP, "kept"),
        (DecisionKind.DISCARD, "discarded"),
        (None, "undecided"),
    ):
        if number := verdicts.count(verdict):
            parts.append(words.fill(key, n=number))
    days = sorted({day(entry.created) for entry in diary.entries})
    period = days[0] if len(days) == 1 else words.fill("from_to", first=days[0], last=days[-1])
    return f"{', '.join(parts)} · {period}"


def origins(diary: Diary, words: Words) -> list[str]:
    """One line for each style: where it comes from."""
    lines: list[str] = []
    for one in diary.taught:
        if one.style is None:
            lines.append(words.fill("elsewhere", name=one.name))
        else:
            style = one.style
            lines.append(
                words.fill(
                    "taught",
                    name=one.name,
                    base=style.base.name,
                    n=len(style.training_pictures),
                    steps=style.steps,
                    day=day(style.created),
                    verdict=words[style.verdict.outcome.value],
                )
            )
    return lines


def shared(diary: Diary, words: Words) -> list[Pair]:
    """The settings that are the same in every picture; they are told once, at the top."""
    every = [dict(_settings(entry, words)) for entry in diary.entries]
    return [(name, value) for name, value in every[0].items() if all(o.get(name) == value for o in every)]


def own(diary: Diary, entry: Entry, words: Words) -> list[Pair]:
    """The settings beside a picture: those that differ anywhere in the diary, and which prompts it has."""
    same = dict(shared(diary, words))
    pairs = [pair for pair in _settings(entry, words) if pair[0] not in same]
    if entry.said is None:
        return pairs
    texts = [(words["prompt"], entry.said.prompt, diary.prompts, "P")]
    texts.append((words["negative_prompt"], entry.said.negative_prompt, diary.negative_prompts, "N"))
    for name, text, among, letter in texts:
        if text and len(among) > 1:
            pairs.append((name, f"{letter}{among.index(text) + 1}"))
    return pairs


def _settings(entry: Entry, words: Words) -> Iterator[Pair]:
    recipe = entry.said
    if not isinstance(recipe, Recipe):
        yield from _said_elsewhere(recipe, words)
        return
    yield words["base"], recipe.base.name
    for one in recipe.adapters:
        name = words["strength"] if len(recipe.adapters) == 1 else words.fill("strength of", name=one.name)
        yield name, plain(one.strength)
    yield words["cfg"], plain(recipe.cfg)
    if recipe.guidance is not None:
        yield words["guidance"], plain(recipe.guidance)
    yield words["seed"], str(recipe.seed)
    yield words["steps"], str(recipe.steps)
    yield words["sampler"], f"{recipe.sampler.value} {recipe.schedule.value}"
    yield words["size"], f"{recipe.width} x {recipe.height}"
    if recipe.clip_skip is not None:
        yield words["clip_skip"], str(recipe.clip_skip)
    if recipe.numerics.lane is Lane.DRAFT:
        yield words["lane"], words["draft"]
    for part in beginning_told(recipe, _named(entry), words.__getitem__):
        yield words[part.label], part.words


def _named(entry: Entry) -> Named:
    """Pictures by their ids where the archive knows them."""
    return lambda one: entry.made_from.get(one, short(one))


def _said_elsewhere(said: ForeignRecipe | None, words: Words) -> Iterator[Pair]:
    """What another program wrote; nothing is put in for what it does not say."""
    yield words["made by"], said.tool.value if said else words["unknown"]
    if said is None:
        return
    if said.model is not None:
        yield words["base"], said.model.name
    for one in said.adapters:
        name = words["strength"] if len(said.adapters) == 1 else words.fill("strength of", name=one.name)
        yield name, plain(one.strength)
    for name in ("cfg", "seed", "steps"):
        if (value := getattr(said, name)) is not None:
            yield words[name], plain(value)
    if how := " ".join(filter(None, (said.sampler, said.schedule))):
        yield words["sampler"], how
    if said.width and said.height:
        yield words["size"], f"{said.width} x {said.height}"


def heading(entry: Entry, words: Words) -> str:
    """What the changes are compared with."""
    if entry.against is None:
        return words["first"]
    if entry.against == entry.number - 1:
        return words["changed"]
    return words.fill("changed_from", n=entry.against)


def changed(entry: Entry, words: Words) -> list[Pair]:
    """Each change as (what, how): ``cfg``, ``4.2 → 4.4``; a prompt by its parts."""
    if entry.against is None:
        return []
    people = for_people(entry.changes, _named(entry), words.__getitem__)
    told = [pair for change in people for pair in _change(change, words)]
    return told or [("", words["nothing"])]


def _change(change: Change, words: Words) -> Iterator[Pair]:
    name = change.name
    if name in TEXTS:
        yield from _parts(change, words)
    elif name.startswith("style "):
        key = "with" if change.before is None else "without" if change.after is None else "another"
        yield words["style"], words.fill(key, name=name.removeprefix("style "))
    else:
        values = (change.before, change.after)
        before, after = ("-" if value is None else _value(name, value, words) for value in values)
        yield _name(name, words), f"{before} → {after}"


def _name(name: str, words: Words) -> str:
    """What a parameter is called: ``strength`` of ``strength of laz``, ``mask feather`` by its parts."""
    if name.startswith(("strength of ", "text strength of ")):
        return words[name.partition(" of ")[0]]
    part = next((label for label in LABELS.values() if name.startswith(f"{label} ")), "")
    first, last = name.rpartition(" ")[::2]
    if not part or words.has(name) or last.isdecimal():
        return words[name]
    return words.fill("of part", part=words[first], name=words[last])


def _value(name: str, value: object, words: Words) -> str:
    """A value that is a word of ours in the language; everything else as it is."""
    worded = isinstance(value, str) and name.rpartition(" ")[2] in (*WORDED, "lane")
    return words[str(value)] if worded else plain(value)


def _parts(change: Change, words: Words) -> Iterator[Pair]:
    name = words[change.name]
    told = [words.fill("reworded", old=old, new=new) for old, new in change.reworded]
    for key, parts in (("removed", change.removed), ("added", change.added)):
        if parts:
            told.append(words.fill(key, parts=", ".join(words.fill("part", part=part) for part in parts)))
    if not told:
        told = [words.fill("order", name=name)]
    for place, line in enumerate(told):
        yield name if place == 0 else "", line


def decided(entry: Entry, words: Words) -> list[Pair]:
    """Each decision that counts as (what and why, by whom and when)."""
    return [
        (_said(event, words), words.fill("by", author=event.author, day=day(event.created)))
        for event in standing_last(entry.decisions)
    ]


def standing_last(events: Sequence[DecisionEvent]) -> list[DecisionEvent]:
    """The newest verdict, the newest stars and the newest label, in the order in which they were given."""
    newest: dict[str, DecisionEvent] = {}
    for event in events:
        plain_kind = event.kind in {DecisionKind.RATE, DecisionKind.LABEL}
        newest[event.kind.value if plain_kind else "verdict"] = event
    return sorted(newest.values(), key=lambda event: event.id)


def _said(event: DecisionEvent, words: Words) -> str:
    match event.kind:
        case DecisionKind.RATE:
            said = words.count("rate", event.stars or 0)
        case DecisionKind.LABEL:
            off = event.label in {None, Label.NONE}
            said = words["label_none"] if off else words.fill("label", colour=words[str(event.label)])
        case DecisionKind.UNDECIDED:
            said = words["undecided_1"]
        case _:
            said = words[event.kind.value]
    return f"{said}: {event.reason}" if event.reason else said
