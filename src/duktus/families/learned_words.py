"""Words that stand for vectors of their own in the text encoders of one base: textual inversion.

Gal et al. 2022, arXiv 2208.01618. The encoders and their vocabulary stay as they are. Where such a word
stands in a text, its vectors take the places that its own tokens would have taken, as in A1111, ComfyUI and
diffusers.

**Strength.** A text is encoded as it stands and once more with the vectors, and what both became is mixed:
0 is the base bit for bit, 1 what other programs draw with the file, and between and beyond them the encoded
text moves on a straight line, as with ComfyUI's ConditioningAverage. Moving the vectors themselves would need
the point where they began, which a file does not say, and would not arrive at the base, which reads an
invented word as other tokens, and as other many. With several words at strengths between 0 and 1 every
combination is encoded, and its share is the product of its words' shares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Vectors = Mapping[str, "Tensor"]
"""The vectors of one word by text encoder (``text_encoder``, ``text_encoder_2``): (n, width) each."""
Spoken = Mapping[str, Vectors]
"""Words in lower case and what they stand for."""

MOST_PARTIAL = 4
"""Words at strengths other than 0 and 1 in one text; each doubles what has to be encoded."""


@dataclass(frozen=True, slots=True, order=True)
class Worn:
    """A word with the style (by tensor hash) whose vectors it stands for, and how strongly."""

    style: str
    word: str
    strength: float


class LearnedWords:
    """The words that the text encoders of one base know beside their vocabulary just now."""

    def __init__(self) -> None:
        self._vectors: dict[str, Vectors] = {}
        self.worn: tuple[Worn, ...] = ()
        """Sorted: what an encoded text depends on beside its words."""

    def know(self, styles: Iterable[str], read: Callable[[str], Vectors]) -> None:
        """Have the vectors of these styles at hand; ``read`` gives those that are not known yet."""
        for style in styles:
            if style not in self._vectors:
                self._vectors[style] = read(style)

    @contextmanager
    def saying(self, worn: Sequence[Worn]) -> Generator[None]:
        """Within, these words of known styles stand for their vectors, and no others."""
        before, self.worn = self.worn, tuple(sorted(worn))
        try:
            yield
        finally:
            self.worn = before

    def teach(self, word: str, vectors: Vectors) -> None:
        """Know this word alone, by vectors that may still change."""
        self._vectors = {"": vectors}
        self.worn = (Worn("", word, 1.0),)

    def forget(self) -> None:
        """Know no word."""
        self._vectors, self.worn = {}, ()

    def mixed(self, text: str, encode: Callable[[Spoken], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """What the words in ``text`` make of it; ``encode`` encodes it with the vectors of some of them.

        Raises:
            InputError: more than :data:`MOST_PARTIAL` of them at strengths between.
        """
        here = [one for one in self.worn if stands_in(one.word, text)]
        partial = sum(one.strength != 1 for one in here)
        if partial > MOST_PARTIAL:
            raise InputError(
                f"{partial} learned words of one prompt have strengths other than 0 and 1.",
                f"Every combination of them is encoded, so at most {MOST_PARTIAL} can have one.",
                "Give some of them strength 1.",
            )
        mixed: tuple[Tensor, ...] | None = None
        for chosen in product((False, True), repeat=len(here)):
            share = prod(
                one.strength if taken else 1 - one.strength for one, taken in zip(here, chosen, strict=True)
            )
            if not share:
                continue
            said = {
                one.word.lower(): self._vectors[one.style]
                for one, taken in zip(here, chosen, strict=True)
                if taken
            }
            part = encode(said)
            part = part if share == 1 else tuple(tensor * share for tensor in part)
            mixed = part if mixed is None else tuple(a + b for a, b in zip(mixed, part, strict=True))
        assert mixed is not None  # the shares add up to 1
        return mixed


def stands_in(word: str, text: str) -> bool:
    """Whether the word stands in the text as a word of its own, in any case."""
    return _pattern([word]).search(text) is not None


def parts(text: str, words: Sequence[str]) -> list[tuple[str, bool]]:
    """The text in pieces, in order: (piece, whether it is one of ``words``, then in lower case)."""
    if not words:
        return [(text, False)]
    pieces = enumerate(_pattern(words).split(text))  # every second one is a word
    return [(piece.lower(), True) if place % 2 else (piece, False) for place, piece in pieces if piece]


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)
