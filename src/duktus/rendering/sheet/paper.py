"""A page that is written first and cut to length afterwards: text, rules and pictures on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

GROUND: Colour = (244, 243, 239)
INK: Colour = (29, 28, 26)
QUIET: Colour = (104, 101, 94)
HAIRLINE: Colour = (214, 211, 203)
ACCENT: Colour = (24, 104, 84)

REGULAR, BOLD = 430, 620

FINE = 4

_FACE = Path(__file__).parent / "type" / "Inter.ttf"


@lru_cache(maxsize=32)
def font(size: int, weight: int = REGULAR) -> ImageFont.FreeTypeFont:
    """Inter at a size in pixels and a weight from 400 to 650."""
    face = ImageFont.truetype(_FACE, size)
    face.set_variation_by_axes([weight])
    return face


def width_of(text: str, size: int, weight: int = REGULAR) -> int:
    """The advance width of one line in pixels."""
    return round(font(size * FINE, weight).getlength(text) / FINE)


def _write(page: Image.Image, at: tuple[int, int], words: str, face: tuple[int, int], colour: Colour) -> None:
    """One line, set at four times its size and reduced: whole-pixel advances would space small type unevenly."""
    large = font(face[0] * FINE, face[1])
    left, top, right, bottom = (round(v) for v in large.getbbox(words))
    if right <= left or bottom <= top:
        return
    pad = FINE
    size = (-(-(right + 2 * pad) // FINE) * FINE, -(-(bottom + 2 * pad) // FINE) * FINE)
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).text((pad, 0), words, fill=255, font=large)
    page.paste(colour, (at[0] - pad // FINE, at[1]), mask.reduce(FINE))


def wrap(text: str, size: int, width: int, weight: int = REGULAR) -> list[str]:
    """The text in lines of at most ``width`` pixels; its own line breaks stay, a long word is broken."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            for piece in _pieces(word, size, width, weight):
                joined = f"{line} {piece}" if line else piece
                if line and width_of(joined, size, weight) > width:
                    lines.append(line)
                    line = piece
                else:
                    line = joined
        lines.append(line)
    return lines


def _pieces(word: str, size: int, width: int, weight: int) -> list[str]:
    pieces: list[str] = []
    while width_of(word, size, weight) > width and len(word) > 1:
        cut = len(word) - 1
        while cut > 1 and width_of(word[:cut], size, weight) > width:
            cut = cut * 3 // 4 if width_of(word[:cut], size, weight) > 2 * width else cut - 1
        pieces.append(word[:cut])
        word = word[cut:]
    return [*pieces, word]


class Paper:
    """Collects what is to be drawn and draws it when the height is known."""

    def __init__(self) -> None:
        self._strokes: list[Callable[[Image.Image, ImageDraw.ImageDraw], None]] = []

    def text(
        self,
        x: int,
        y: int,
        words: str,
        size: int,
        colour: Colour = INK,
        weight: int = REGULAR,
        align: str = "left",
    ) -> int:
        """One line with its ascender at ``y``; ``x`` is its left, middle or right edge. Returns its width."""
        wide = width_of(words, size, weight)
        left = x - {"left": 0, "middle": wide // 2, "right": wide}[align]
        self._strokes.append(lambda page, _: _write(page, (left, y), words, (size, weight), colour))
        return wide

    def lines(
        self, x: int, y: int, lines: Sequence[str], size: int, colour: Colour = INK, weight: int = REGULAR
    ) -> int:
        """Several lines; returns the height used."""
        leading = round(size * 1.42)
        for i, line in enumerate(lines):
            self.text(x, y + i * leading, line, size, colour, weight)
        return leading * len(lines)

    def rule(self, x: int, y: int, width: int) -> None:
        """A horizontal hairline."""
        self._strokes.append(lambda _, draw: draw.line((x, y, x + width - 1, y), fill=HAIRLINE))

    def frame(self, box: tuple[int, int, int, int], colour: Colour, thick: int = 1) -> None:
        """A rectangle drawn inside ``box`` (left, top, right, bottom; the last two are outside)."""
        left, top, right, bottom = box
        inner = (left, top, right - 1, bottom - 1)
        self._strokes.append(lambda _, draw: draw.rectangle(inner, outline=colour, width=thick))

    def dot(self, x: int, y: int, radius: int, colour: Colour) -> None:
        """A filled circle around a point."""
        box = (x - radius, y - radius, x + radius, y + radius)
        self._strokes.append(lambda _, draw: draw.ellipse(box, fill=colour))

    def picture(self, x: int, y: int, load: Callable[[], Image.Image]) -> None:
        """A picture with its upper left corner at (x, y), loaded only when it is drawn."""
        self._strokes.append(lambda page, _: page.paste(load(), (x, y)))

    def cut(self, width: int, height: int) -> Image.Image:
        """The finished page."""
        page = Image.new("RGB", (width, height), GROUND)
        draw = ImageDraw.Draw(page)
        for stroke in self._strokes:
            stroke(page, draw)
        return page
