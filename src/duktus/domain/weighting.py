"""Weighted words in a prompt, with the meaning A1111 gave them.

``(word)`` counts 1.1 times, ``[word]`` divided by 1.1, ``(word:1.3)`` 1.3 times; brackets nest and their
weights multiply. A backslash before a bracket, or before a backslash, makes it plain text. A bracket that is
never closed reaches to the end; a closing one without its opening is plain text. What the other program calls
prompt editing (``[from:to:0.5]``), alternation and ``BREAK`` are not part of it.
Documented in the wiki of AUTOMATIC1111/stable-diffusion-webui, "Attention/emphasis".
"""

from __future__ import annotations

import re
from typing import Literal

Weighting = Literal["a1111"]
"""Whose reading of brackets a recipe follows."""

Chunk = tuple[str, float]
"""A stretch of text and how much it counts."""

UP = 1.1
_EXPLICIT = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)")
_WEIGHED = re.compile(r"(?<!\\)\([^()]*:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\)")
_ESCAPABLE = frozenset("()[]\\")


def chunks(text: str) -> tuple[Chunk, ...]:
    """The text in stretches of one weight each, without its marks, in order; at least one stretch."""
    read: list[tuple[str, float]] = []
    rounds: list[int] = []
    squares: list[int] = []

    def weigh(start: int, factor: float) -> None:
        read[start:] = [(part, weight * factor) for part, weight in read[start:]]

    place = 0
    while place < len(text):
        letter = text[place]
        explicit = _EXPLICIT.match(text, place) if letter == ":" and rounds else None
        if letter == "\\" and text[place + 1 : place + 2] in _ESCAPABLE and place + 1 < len(text):
            read.append((text[place + 1], 1.0))
            place += 1
        elif explicit is not None:
            weigh(rounds.pop(), float(explicit[1]))
            place = explicit.end() - 1
        elif letter in "([":
            (rounds if letter == "(" else squares).append(len(read))
        elif letter == ")" and rounds:
            weigh(rounds.pop(), UP)
        elif letter == "]" and squares:
            weigh(squares.pop(), 1 / UP)
        else:
            read.append((letter, 1.0))
        place += 1
    for start in rounds:
        weigh(start, UP)
    for start in squares:
        weigh(start, 1 / UP)
    return _joined(read)


def _joined(read: list[Chunk]) -> tuple[Chunk, ...]:
    joined: list[Chunk] = []
    for part, weight in read:
        if joined and joined[-1][1] == weight:
            joined[-1] = (joined[-1][0] + part, weight)
        else:
            joined.append((part, weight))
    return tuple(joined) or (("", 1.0),)


def marked(text: str) -> bool:
    """Whether reading the brackets changes anything: a weight, or a mark taken out of the text."""
    return chunks(text) != ((text, 1.0),)


def weighed(text: str) -> str:
    """The first ``(word:1.3)`` in the text, which cannot be meant as plain brackets; empty without one."""
    found = _WEIGHED.search(text)
    return found[0] if found else ""
