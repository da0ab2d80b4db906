"""Marks in prompts that other programs read as commands and duktus as words."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LORA = re.compile(r"<(?:lora|lyco):([^:>]+)(?::([^>]*))?>")
_EMBEDDING = re.compile(r"\bembedding:[\w./-]+")
_EDITING = re.compile(r"\[[^\[\]|]*:[^\[\]|]*:\s*\d*\.?\d+\s*\]")
_ALTERNATING = re.compile(r"\[[^\[\]]+\|[^\[\]]+\]")
_CONNECTING = re.compile(r"\b(?:BREAK|AND)\b")
_COMPEL = re.compile(r"[a-z]{2}(\+{2,}|-{2,})(?=$|[\s,.)])|\)(\++|-+)(?=$|[\s,.)])")
"""Compel's weights from two signs on, because one may be meant as it stands, and C++ is a word."""


def marks_notes(prompts: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each kind of mark that is found, with the first of its kind; empty for none."""
    texts = list(dict.fromkeys(prompts))
    notes: list[str] = []
    lora = _first(_LORA, texts)
    if lora is not None:
        strength = f":{lora[2]}" if lora[2] else ""
        notes.append(
            f"'{lora[0]}' in the prompt is read as words; a style is named beside it: "
            f"--style {lora[1]}{strength}."
        )
    for pattern, instead in (
        (_EMBEDDING, "duktus has styles for that (--style NAME)."),
        (_EDITING, "A1111 would change the prompt there while it draws."),
        (_ALTERNATING, "A1111 would change between the two at every step; {a|b} makes a picture of each."),
        (_CONNECTING, "A1111 would take the parts on both sides as prompts of their own."),
        (_COMPEL, "A weight is written (word:1.3)."),
    ):
        found = _first(pattern, texts)
        if found is not None:
            notes.append(f"'{found[0]}' in the prompt is read as it stands. {instead}")
    return tuple(notes)


def _first(pattern: re.Pattern[str], texts: Iterable[str]) -> re.Match[str] | None:
    return next((found for text in texts if (found := pattern.search(text))), None)
