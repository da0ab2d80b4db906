"""A page that is written first and cut to length afterwards: text, rules and pictures on paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from duktus.domain.decision import Label

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two lie outside."""

GROUND: Colour = (244, 243, 239)
INK: Colour = (29, 28, 26)
QUIET: Colour = (104, 101, 94)
HAIRLINE: Colour = (214, 211, 203)
ACCENT: Colour = (24, 104, 84)

LABELS: Mapping[Label, Colour] = {
    Label.RED: (184, 62, 50),
    Label.YELLOW: (214, 166, 40),
    Label.GREEN: (70, 134, 76),
    Label.BLUE: (54, 98, 166),
    Label.PURPLE: (124, 78, 148),
}
"""Printers' tones of the colour labels: told apart on the paper, quieter than the pictures."""

REGULAR, BOLD = 430, 620

FINE = 4
"""Type is set this many times larger and reduced: whole-pixel advances space small type unevenly."""

_FACE = Path(__file__).parent / "type" / "Inter.ttf"


@lru_cache(maxsize=32)
def _font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    face = ImageFont.truetype(_FACE, size * FINE)
    face.set_variation_by_axes([weight])
    return face


@lru_cache(maxsize=4096)
def _width(text: str, size: int, weight: int) -> int:
    return round(_font(size, weight).getlength(text) / FINE)


@dataclass(frozen=True, slots=True)
class Type:
    """Inter in a size (pixels), a colour and a weight (400 to 650)."""

    size: int
    colour: Colour = INK
    weight: int = REGULAR

    @property
    def leading(self) -> int:
        """From one line to the next."""
        return round(self.size * 1.42)

    def width(self, text: str) -> int:
        """The advance width of one line in pixels."""
        return _width(text, self.size, self.weight)

    def wrap(self, text: str, width: int) -> list[str]:
        """The text in lines of at most ``width`` pixels; its line breaks stay, too long a word is broken."""
        lines: list[str] = []
        for paragraph in text.splitlines() or [""]:
            line = ""
            for word in paragraph.split():
                for piece in self._pieces(word, width):
                    joined = f"{line} {piece}" if line else piece
                    if line and self.width(joined) > width:
                        lines.append(line)
                        line = piece
                    else:
                        line = joined
            lines.append(line)
        return lines

    def _pieces(self, word: str, width: int) -> list[str]:
        pieces: list[str] = []
        while self.width(word) > width and len(word) > 1:
            fits, too_long = 1, len(word)
            while too_long - fits > 1:
                middle = (fits + too_long) // 2
                fits, too_long = (middle, too_long) if self.width(word[:middle]) <= width else (fits, middle)
            pieces.append(word[:fits])
            word = word[fits:]
        return [*pieces, word]

    def write(self, page: Image.Image, x: int, y: int, words: str) -> None:
        """One line on a page, its ascender at ``y``."""
        large = _font(self.size, self.weight)
        _, _, right, bottom = (round(v) for v in large.getbbox(words))
        size = tuple((v + 3 * FINE - 1) // FINE * FINE for v in (right, bottom))
        mask = Image.new("L", (size[0], size[1]), 0)
        ImageDraw.Draw(mask).text((FINE, 0), words, fill=255, font=large)
        page.paste(self.colour, (x - 1, y), mask.reduce(FINE))


class Paper:
    """Collects what is to be drawn and draws it when the height is known."""

    def __init__(self) -> None:
        self._strokes: list[Callable[[Image.Image, ImageDraw.ImageDraw], None]] = []

    def text(
        self, at: tuple[int, int], words: str, face: Type, align: Literal["left", "middle", "right"] = "left"
    ) -> int:
        """One line; ``at`` is its left, middle or right edge and its ascender. Returns its width."""
        wide = face.width(words)
        left = at[0] - {"left": 0, "middle": wide // 2, "right": wide}[align]
        self._strokes.append(lambda page, _: face.write(page, left, at[1], words))
        return wide

    def lines(self, at: tuple[int, int], lines: Sequence[str], face: Type) -> int:
        """Several lines from the left; returns the height used."""
        for i, line in enumerate(lines):
            self.text((at[0], at[1] + i * face.leading), line, face)
        return face.leading * len(lines)

    def rule(self, at: tuple[int, int], width: int) -> None:
        """A horizontal hairline."""
        self._strokes.append(lambda _, draw: draw.line((*at, at[0] + width - 1, at[1]), fill=HAIRLINE))

    def frame(self, box: Box, colour: Colour, thick: int) -> None:
        """A rectangle drawn inside ``box``."""
        inner = (box[0], box[1], box[2] - 1, box[3] - 1)
        self._strokes.append(lambda _, draw: draw.rectangle(inner, outline=colour, width=thick))

    def dot(self, at: tuple[int, int], colour: Colour, across: int) -> None:
        """A filled disc with its upper left corner at ``at``."""
        side = across * FINE
        mask = Image.new("L", (side, side), 0)
        ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=255)
        fine = mask.reduce(FINE)
        self._strokes.append(lambda page, _: page.paste(colour, at, fine))

    def picture(self, at: tuple[int, int], load: Callable[[], Image.Image]) -> None:
        """A picture with its upper left corner at ``at``, loaded only when it is drawn."""
        self._strokes.append(lambda page, _: page.paste(load(), at))

    def cut(self, width: int, height: int) -> Image.Image:
        """The finished page."""
        page = Image.new("RGB", (width, height), GROUND)
        draw = ImageDraw.Draw(page)
        for stroke in self._strokes:
            stroke(page, draw)
        return page
