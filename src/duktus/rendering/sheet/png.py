"""The sheet as one PNG: what is printed, mailed, or put on a wall."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from duktus.domain.decision import DecisionKind
from duktus.domain.errors import InputError
from duktus.domain.series import Axis
from duktus.rendering.sheet import facts
from duktus.rendering.sheet.arrangement import Arrangement, Heading, Panel, Slot, arrange
from duktus.rendering.sheet.cell import SheetCell
from duktus.rendering.sheet.paper import (
    ACCENT,
    BOLD,
    GROUND,
    HAIRLINE,
    INK,
    QUIET,
    Paper,
    width_of,
    wrap,
)
from duktus.rendering.sheet.pictures import UnreadableError, open_picture
from duktus.rendering.sheet.words import Words

MARGIN = 80
GAP = 28
PANEL_GAP = 64
BESIDE_LIMIT = 2000
"""Panels stand beside each other while they fit into this width, else below each other."""
MIN_CONTENT = 860
MAX_AREA = 56_000_000
MAX_SIDE = 20_000
SMALLEST = 96
"""Pixels a side below which nobody can judge a picture."""

_TITLE, _PROMPT, _VALUE, _SMALL, _TINY = 40, 20, 16, 14, 12


@dataclass(frozen=True, slots=True)
class _Measures:
    """All lengths in pixels. ``scale`` turns a picture's pixels into the sheet's."""

    scale: float
    cell: tuple[int, int]
    gutter: int
    top: int
    """Room above the rows of a panel: its heading and the columns' headings."""
    caption: int
    panel: tuple[int, int]
    beside: int
    """Panels in a row."""


def sheet_png(
    title: str,
    axes: Sequence[Axis],
    cells: Sequence[SheetCell],
    out: Path,
    *,
    notes: Sequence[str] = (),
    lang: str = "en",
) -> None:
    """Write the contact sheet of a series as a PNG, replacing ``out`` only when it is complete.

    The same series gives the same bytes; there is no date on it. Small pictures are enlarged at least twice.
    A very large series is shown reduced, with a note; :class:`InputError` when that would make the pictures
    too small to judge.
    """
    words = Words(lang)
    arrangement = arrange(axes, cells)
    measures, reduced = _fitted(arrangement, axes, cells)
    remarks = list(notes)
    if reduced < 1:
        remarks.append(words.fill("reduced", percent=round(100 * reduced)))
    page = _Sheet(words, axes, arrangement, measures).draw(title, cells, remarks)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    try:
        page.save(partial, "PNG", compress_level=6)
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)


def _fitted(
    arrangement: Arrangement, axes: Sequence[Axis], cells: Sequence[SheetCell]
) -> tuple[_Measures, float]:
    """The measures, reduced until the page is of a reasonable size; and by how much the pictures were."""
    widest = max((cell.recipe.width for cell in cells), default=256)
    tallest = max((cell.recipe.height for cell in cells), default=256)
    longest = max(widest, tallest)
    wanted = _scale(longest, arrangement.columns * arrangement.beside)
    scale = wanted
    while True:
        measures = _measure(arrangement, axes, (widest, tallest), scale)
        width, height = _extent(arrangement, measures)
        if width * height <= MAX_AREA and max(width, height) <= MAX_SIDE:
            return measures, scale / min(wanted, 1) if scale < min(wanted, 1) else 1
        scale *= 0.9
        if scale * longest < SMALLEST:
            raise InputError(
                f"{len(cells)} pictures do not fit on one PNG.",
                f"They would be smaller than {SMALLEST} pixels.",
                "Lay the sheet as HTML instead: --out sheet.html",
            )


def _scale(longest: int, columns: int) -> float:
    """How much pictures are enlarged (a whole number) or reduced, so that few pictures get more room."""
    target = max(256, min(512, 1500 // columns))
    if longest * 2 <= max(target, 256):
        return max(2, target // longest)
    return min(1.0, target / longest)


def _measure(
    arrangement: Arrangement, axes: Sequence[Axis], picture: tuple[int, int], scale: float
) -> _Measures:
    cell = (max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale)))
    down = [value for _, value in arrangement.down]
    names = [name for name, _ in arrangement.down]
    gutter = 0
    if down:
        widest = max(width_of(text, _VALUE, BOLD) for text in (*down, *names))
        gutter = min(260, widest) + 36
    headed = any(panel.headings for panel in arrangement.panels)
    lines = max((len(_caption_lines(slot, axes, cell[0])) for slot in arrangement.slots), default=1)
    caption = 10 + 20 * lines + 18
    top = (54 if headed else 0) + (34 if arrangement.across else 0)
    rows = max((len(panel.rows) for panel in arrangement.panels), default=1)
    columns = arrangement.columns
    size = (
        gutter + columns * cell[0] + (columns - 1) * GAP,
        top + rows * (cell[1] + caption) + (rows - 1) * GAP,
    )
    fits = arrangement.beside * (size[0] + PANEL_GAP) - PANEL_GAP <= BESIDE_LIMIT
    return _Measures(scale, cell, gutter, top, caption, size, arrangement.beside if fits else 1)


def _extent(arrangement: Arrangement, measures: _Measures) -> tuple[int, int]:
    """Width and approximate height of the page."""
    bands = -(-len(arrangement.panels) // measures.beside)
    width = measures.beside * (measures.panel[0] + PANEL_GAP) - PANEL_GAP
    return 2 * MARGIN + max(MIN_CONTENT, width), 2 * MARGIN + 500 + bands * (measures.panel[1] + PANEL_GAP)


def _caption_lines(slot: Slot, axes: Sequence[Axis], width: int) -> list[list[Heading]]:
    """The caption's pairs, broken into lines that fit under the picture."""
    lines: list[list[Heading]] = [[]]
    used = 0
    for name, value in facts.caption(slot, axes):
        needed = width_of(f"{name} {value}", _SMALL) + 14
        if lines[-1] and used + needed - 14 > width:
            lines.append([])
            used = 0
        lines[-1].append((name, value))
        used += needed
    return lines


class _Sheet:
    """Draws one sheet from top to bottom."""

    def __init__(
        self, words: Words, axes: Sequence[Axis], arrangement: Arrangement, measures: _Measures
    ) -> None:
        self._words = words
        self._axes = axes
        self._arrangement = arrangement
        self._m = measures
        self._paper = Paper()
        self._width = _extent(arrangement, measures)[0]

    def draw(self, title: str, cells: Sequence[SheetCell], notes: Sequence[str]) -> Image.Image:
        y = self._header(title, cells, MARGIN)
        for i, panel in enumerate(self._arrangement.panels):
            band, place = divmod(i, self._m.beside)
            x = MARGIN + place * (self._m.panel[0] + PANEL_GAP)
            self._panel(panel, x, y + band * (self._m.panel[1] + PANEL_GAP))
        bands = -(-len(self._arrangement.panels) // self._m.beside)
        y += bands * (self._m.panel[1] + PANEL_GAP) - PANEL_GAP + 44
        y = self._footer(cells, notes, y)
        return self._paper.cut(self._width, y + MARGIN - 16)

    @property
    def _content(self) -> int:
        return self._width - 2 * MARGIN

    def _header(self, title: str, cells: Sequence[SheetCell], y: int) -> int:
        paper, shared = self._paper, facts.shared(cells)
        paper.text(self._width - MARGIN, y + 17, self._words["sheet"], _SMALL, QUIET, align="right")
        room = self._content - width_of(self._words["sheet"], _SMALL) - 48
        y += paper.lines(MARGIN - 2, y - 8, wrap(title, _TITLE, room, BOLD), _TITLE, INK, BOLD)
        prompt = shared.pop("prompt", "")
        if prompt:
            y += 6 + paper.lines(MARGIN, y + 6, wrap(prompt, _PROMPT, min(self._content, 1100)), _PROMPT)
        y = self._shared(shared, y + 20)
        paper.rule(MARGIN, y, self._content)
        return y + 44

    def _shared(self, shared: dict[str, str], y: int) -> int:
        """The parameters all pictures have in common: small labels over values, in as many lines as needed."""
        x, high = MARGIN, 0
        for name, value in shared.items():
            label = self._words[name]
            lines = wrap(value, _VALUE, min(520, self._content))
            wide = max(width_of(label, _SMALL), *(width_of(line, _VALUE) for line in lines))
            if x > MARGIN and x + wide > self._width - MARGIN:
                x, y, high = MARGIN, y + high + 12, 0
            self._paper.text(x, y, label, _SMALL, QUIET)
            high = max(high, 22 + self._paper.lines(x, y + 22, lines, _VALUE))
            x += wide + 44
        return y + high + 26

    def _panel(self, panel: Panel, x: int, y: int) -> None:
        m, paper = self._m, self._paper
        if panel.headings:
            at = x + m.gutter
            for name, value in panel.headings:
                at += paper.text(at, y, self._words[name], _PROMPT, QUIET) + 8
                at += paper.text(at, y, value, _PROMPT, INK, BOLD) + 24
        x += m.gutter
        for column, heading in enumerate(self._arrangement.across):
            self._across(heading, x + column * (m.cell[0] + GAP), y + m.top - 30)
        for r, row in enumerate(panel.rows):
            top = y + m.top + r * (m.cell[1] + m.caption + GAP)
            if self._arrangement.down:
                name, value = self._arrangement.down[r]
                paper.text(x - m.gutter, top - 3, self._words[name], _SMALL, QUIET)
                lines = wrap(value, _VALUE, m.gutter - 30, BOLD)
                paper.lines(x - m.gutter, top + 17, lines, _VALUE, INK, BOLD)
            for column, slot in enumerate(row):
                self._slot(slot, x + column * (m.cell[0] + GAP), top)

    def _across(self, heading: Heading, x: int, y: int) -> None:
        name, value = heading
        wide = self._paper.text(x, y + 2, self._words[name], _SMALL, QUIET)
        line = wrap(value, _VALUE, max(40, self._m.cell[0] - wide - 8), BOLD)
        self._paper.text(x + wide + 8, y, line[0] + (" …" if len(line) > 1 else ""), _VALUE, INK, BOLD)

    def _slot(self, slot: Slot, x: int, y: int) -> None:
        wide, high = self._m.cell
        box = (x, y, x + wide, y + high)
        discarded = slot.cell is not None and slot.cell.standing.verdict is DecisionKind.DISCARD
        if slot.cell is None:
            self._placard(box, [self._words["empty"]])
        else:
            self._picture(slot.cell, box, dimmed=discarded)
            if slot.cell.standing.verdict is DecisionKind.KEEP:
                self._paper.frame((x - 7, y - 7, x + wide + 7, y + high + 7), ACCENT, 3)
        self._caption(slot, x, y + high + 12, quiet=discarded or slot.cell is None)

    def _picture(self, cell: SheetCell, box: tuple[int, int, int, int], *, dimmed: bool) -> None:
        try:
            picture = open_picture(cell.path)
        except FileNotFoundError:
            self._placard(box, [self._words["missing"], cell.path.name])
            return
        except UnreadableError:
            self._placard(box, [self._words["unreadable"], cell.path.name])
            return
        scale = min(self._m.scale, self._m.cell[0] / picture.width, self._m.cell[1] / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        self._paper.picture(box[0], box[1], lambda: _shown(picture, size, dimmed=dimmed))

    def _placard(self, box: tuple[int, int, int, int], texts: Sequence[str]) -> None:
        """An empty frame with words in its middle."""
        self._paper.frame(box, HAIRLINE, 2)
        lines = [line for text in texts for line in wrap(text, _SMALL, box[2] - box[0] - 32)][:8]
        y = (box[1] + box[3] - 20 * len(lines)) // 2
        for i, line in enumerate(lines):
            self._paper.text((box[0] + box[2]) // 2, y + 20 * i, line, _SMALL, QUIET, align="middle")

    def _caption(self, slot: Slot, x: int, y: int, *, quiet: bool) -> None:
        paper = self._paper
        for line in _caption_lines(slot, self._axes, self._m.cell[0]):
            at = x
            for name, value in line:
                at += paper.text(at, y, self._words[name], _SMALL, QUIET) + 5
                at += paper.text(at, y, value, _SMALL, QUIET if quiet else INK) + 12
            y += 20
        if slot.cell is None:
            return
        paper.text(x, y + 1, slot.cell.asset_id, _TINY, QUIET)
        standing = slot.cell.standing
        right = x + self._m.cell[0]
        if standing.stars:
            right -= (
                paper.text(right, y, "★" * standing.stars, _TINY, QUIET if quiet else ACCENT, align="right")
                + 8
            )
        if standing.verdict in (DecisionKind.KEEP, DecisionKind.DISCARD):
            colour, weight = (ACCENT, BOLD) if standing.verdict is DecisionKind.KEEP else (QUIET, BOLD)
            paper.text(right, y, self._words[standing.verdict.value], _TINY, colour, weight, align="right")

    def _footer(self, cells: Sequence[SheetCell], notes: Sequence[str], y: int) -> int:
        paper = self._paper
        if notes:
            paper.text(MARGIN, y, self._words["notes"], _SMALL, QUIET)
            y += 26
            for note in notes:
                y += paper.lines(MARGIN, y, wrap(note, _VALUE, min(self._content, 1000)), _VALUE) + 6
            y += 24
        paper.rule(MARGIN, y, self._content)
        line = f"{facts.tally(cells, sum(1 for _ in self._arrangement.slots), self._words)}"
        imprint = facts.imprint(cells, self._words)
        y += 20
        paper.text(self._width - MARGIN, y, "duktus", _SMALL, INK, BOLD, align="right")
        texts = [
            *wrap(line, _SMALL, self._content - 120),
            *(wrap(imprint, _SMALL, self._content - 120) if imprint else []),
        ]
        return y + paper.lines(MARGIN, y, texts, _SMALL, QUIET)


def _shown(picture: Image.Image, size: tuple[int, int], *, dimmed: bool) -> Image.Image:
    shown = picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
    return Image.blend(shown, Image.new("RGB", size, GROUND), 0.68) if dimmed else shown
