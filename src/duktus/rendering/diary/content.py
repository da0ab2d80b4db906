"""What a diary is made of, before it is laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from duktus.domain.changes import Change
from duktus.domain.decision import DecisionEvent, Standing
from duktus.domain.foreign import ForeignRecipe
from duktus.domain.recipe import Recipe
from duktus.domain.style import Style


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture. ``path`` is its file as it can be opened here; it may be missing, and the diary says so.

    ``said`` is what is known of its making, by whatever program. ``against`` is the number of the earlier
    picture that ``changes`` compare it with; None for the first. ``aim`` is what was sought from here on;
    empty when it is still the same. ``decisions`` are those that count, oldest first.
    """

    number: int
    asset_id: str
    path: Path
    said: Recipe | ForeignRecipe | None
    against: int | None
    changes: tuple[Change, ...]
    aim: str
    standing: Standing
    decisions: tuple[DecisionEvent, ...]
    created: datetime
    made_from: Mapping[str, str] = field(default_factory=dict[str, str])
    """The ids of the pictures that its recipe begins from, by the hashes of their files."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A style that the pictures use; ``style`` is None for one that was not taught in this workspace."""

    name: str
    style: Style | None


@dataclass(frozen=True, slots=True)
class Chapter:
    """Pictures made with the same aim, one after the other. ``aim`` may be empty."""

    aim: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Diary:
    """The whole diary. ``aim`` is that of the series or the collection; ``language`` is ``en`` or ``de``."""

    title: str
    aim: str
    entries: tuple[Entry, ...]
    taught: tuple[Taught, ...]
    notes: tuple[str, ...] = ()
    language: str = "en"

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """The entries in chapters: a new one begins where something else is sought."""
        found: list[tuple[str, list[Entry]]] = []
        for entry in self.entries:
            if not found or (entry.aim and entry.aim != found[-1][0]):
                found.append((entry.aim, []))
            found[-1][1].append(entry)
        return tuple(Chapter(aim, tuple(entries)) for aim, entries in found)

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt once, in the order of its first use: long texts are told once and then by number."""
        given = (entry.said.prompt for entry in self.entries if entry.said)
        return tuple(dict.fromkeys(text for text in given if text is not None))

    @property
    def negative_prompts(self) -> tuple[str, ...]:
        """Every negative prompt that is not empty, likewise."""
        given = (entry.said.negative_prompt for entry in self.entries if entry.said)
        return tuple(dict.fromkeys(text for text in given if text))
