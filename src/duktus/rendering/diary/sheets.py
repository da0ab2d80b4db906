"""A4 pages that are filled from top to bottom and drawn when their number is known."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
"""Points."""
MARGIN, TOP, BOTTOM = 17 * mm, 18 * mm, 20 * mm
INNER = WIDTH - 2 * MARGIN
INK, QUIET, HAIRLINE, ACCENT = "#1d1c1a", "#68655e", "#d6d3cb", "#186854"
TEXT, STRONG = "Inter-Text", "Inter-Strong"

MOST_PIXELS = 1200
"""A side of a picture in the file: 660 dots per inch at the size in which it is shown."""

_TYPE = Path(__file__).parent / "type"


@dataclass(frozen=True, slots=True)
class Type:
    """A typeface in a size (points) and a colour."""

    size: float = 9.5
    colour: str = INK
    face: str = TEXT

    @property
    def leading(self) -> float:
        """Points from one line to the next."""
        return round(self.size * 1.4, 2)

    def width(self, text: str) -> float:
        """Points."""
        return pdfmetrics.stringWidth(text, self.face, self.size)

    def wrap(self, text: str, width: float) -> list[str]:
        """The text in lines of at most ``width`` points; a word that is too long is broken."""
        lines: list[str] = [""]
        for word in text.split():
            for piece in self._pieces(word, width):
                joined = f"{lines[-1]} {piece}" if lines[-1] else piece
                if lines[-1] and self.width(joined) > width:
                    lines.append(piece)
                else:
                    lines[-1] = joined
        return lines

    def _pieces(self, word: str, width: float) -> list[str]:
        pieces: list[str] = []
        while self.width(word) > width and len(word) > 1:
            fits = max(1, next(n for n in range(len(word), 0, -1) if n == 1 or self.width(word[:n]) <= width))
            pieces.append(word[:fits])
            word = word[fits:]
        return [*pieces, word]


@dataclass(frozen=True, slots=True)
class Line:
    """One line at its place: ``x`` from the left margin, ``y`` from where the block begins, in points."""

    x: float
    y: float
    text: str
    type: Type


Stroke = Callable[[Canvas], None]


class Sheets:
    """The pages of a document."""

    def __init__(self) -> None:
        for name in (TEXT, STRONG):
            if name not in pdfmetrics.getRegisteredFontNames():
                pdfmetrics.registerFont(TTFont(name, _TYPE / f"{name}.ttf"))
        self._pages: list[list[Stroke]] = [[]]
        self._y = TOP

    def room(self, height: float) -> None:
        """Begin a new page unless ``height`` points are left on this one."""
        if self._y > TOP and self._y + height > HEIGHT - BOTTOM:
            self._pages.append([])
            self._y = TOP

    def skip(self, height: float) -> None:
        """Leave ``height`` points free."""
        self._y += height

    def paragraph(self, text: str, face: Type, *, x: float = 0) -> None:
        """A text over the whole width, which may go on over the page's end."""
        for line in face.wrap(text, INNER - x):
            self.room(face.leading)
            self.lines([Line(x, 0, line, face)])
            self._y += face.leading

    def lines(self, lines: Sequence[Line]) -> None:
        """Lines at their places below the present height, which stays."""
        top = self._y
        for line in lines:
            self._pages[-1].append(lambda canvas, line=line: _write(canvas, line, top))

    def rule(self) -> None:
        """A hairline over the whole width."""
        y = HEIGHT - self._y
        self._pages[-1].append(lambda canvas: _rule(canvas, y))

    def picture(self, picture: Image.Image | None, box: tuple[float, float, float, float]) -> None:
        """A picture fitted into (x, y, width, height) below the present height; a frame for None."""
        x, y, width, height = box
        top = self._y + y
        self._pages[-1].append(lambda canvas: _picture(canvas, picture, (MARGIN + x, top, width, height)))

    def frame(self, box: tuple[float, float, float, float], colour: str, thick: float) -> None:
        """A rectangle below the present height."""
        x, y, width, height = box
        bottom = HEIGHT - self._y - y - height

        def draw(canvas: Canvas) -> None:
            canvas.setStrokeColor(HexColor(colour))
            canvas.setLineWidth(thick)
            canvas.rect(MARGIN + x, bottom, width, height)

        self._pages[-1].append(draw)

    def document(self, title: str, footer: Callable[[int, int], str]) -> bytes:
        """The finished file; equal content gives equal bytes (with one version of the library)."""
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
        canvas.setTitle(title)
        canvas.setCreator("duktus")
        small = Type(8, QUIET)
        for number, page in enumerate(self._pages, start=1):
            for stroke in page:
                stroke(canvas)
            words = footer(number, len(self._pages))
            _write(canvas, Line(0, 0, title, small), HEIGHT - 13 * mm)
            _write(canvas, Line(INNER - small.width(words), 0, words, small), HEIGHT - 13 * mm)
            canvas.showPage()
        canvas.save()
        return out.getvalue()


def _write(canvas: Canvas, line: Line, top: float) -> None:
    canvas.setFont(line.type.face, line.type.size)
    canvas.setFillColor(HexColor(line.type.colour))
    canvas.drawString(MARGIN + line.x, HEIGHT - top - line.y - line.type.size, line.text)


def _rule(canvas: Canvas, y: float) -> None:
    canvas.setStrokeColor(HexColor(HAIRLINE))
    canvas.setLineWidth(0.6)
    canvas.line(MARGIN, y, WIDTH - MARGIN, y)


def _picture(canvas: Canvas, picture: Image.Image | None, box: tuple[float, float, float, float]) -> None:
    x, top, width, height = box
    if picture is None:
        canvas.setStrokeColor(HexColor(HAIRLINE))
        canvas.rect(x, HEIGHT - top - height, width, height)
        return
    scale = min(width / picture.width, height / picture.height)
    wide, high = picture.width * scale, picture.height * scale
    if max(picture.size) > MOST_PIXELS:
        picture = picture.copy()
        picture.thumbnail((MOST_PIXELS, MOST_PIXELS), Image.Resampling.LANCZOS)
    canvas.drawImage(ImageReader(picture), x, HEIGHT - top - high, wide, high)
