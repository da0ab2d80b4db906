"""How large everything on the PNG sheet is: few pictures get more room, very many are reduced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duktus.domain.errors import InputError
from duktus.domain.series import Axis
from duktus.rendering.sheet import facts
from duktus.rendering.sheet.arrangement import Arrangement, Heading, Slot
from duktus.rendering.sheet.cell import SheetCell
from duktus.rendering.sheet.paper import ACCENT, BOLD, INK, QUIET, Type
from duktus.rendering.sheet.words import Words

TITLE = Type(40, INK, BOLD)
PROMPT = Type(20)
PANEL_NAME, PANEL_VALUE = Type(20, QUIET), Type(20, INK, BOLD)
LABEL, VALUE, HEAD = Type(14, QUIET), Type(16), Type(16, INK, BOLD)
SMALL, MARK = Type(14), Type(14, INK, BOLD)
ID, DISCARDED, KEPT, STARS = Type(12, QUIET), Type(12, QUIET, BOLD), Type(12, ACCENT, BOLD), Type(12, ACCENT)

MARGIN = 80
GAP = 28
PANEL_GAP = 64
DOT = 11
"""Of a colour label."""
CAPTION_LINE = 20
BESIDE_LIMIT = 2000
"""Panels stand beside each other while they fit into this width, else below each other."""
MIN_CONTENT = 860
MAX_AREA = 56_000_000
MAX_SIDE = 20_000
SMALLEST = 96
"""Pixels a side below which nobody can judge a picture."""


@dataclass(frozen=True, slots=True)
class Measures:
    """All lengths in pixels. ``scale`` turns a picture's pixels into the sheet's."""

    scale: float
    cell: tuple[int, int]
    gutter: int
    """Room for the headings of the rows."""
    top: int
    """Room above the rows of a panel: its heading and the headings of the columns."""
    caption: int
    panel: tuple[int, int]
    beside: int
    """Panels in a row."""
    bands: int
    """Rows of panels."""

    @property
    def content(self) -> int:
        """The width between the margins."""
        return max(MIN_CONTENT, self.beside * (self.panel[0] + PANEL_GAP) - PANEL_GAP)

    @property
    def height(self) -> int:
        """The height of all panels."""
        return self.bands * (self.panel[1] + PANEL_GAP) - PANEL_GAP


def fitted(
    arrangement: Arrangement, axes: Sequence[Axis], cells: Sequence[SheetCell], words: Words
) -> tuple[Measures, float]:
    """The measures, and the share (1 = not reduced) to which the pictures were reduced.

    They are reduced until the page stays below 56 megapixels; :class:`InputError` when they would become too
    small to judge.
    """
    picture = (
        max((cell.recipe.picture_size[0] for cell in cells), default=256),
        max((cell.recipe.picture_size[1] for cell in cells), default=256),
    )
    wanted = _scale(max(picture), arrangement.columns * arrangement.beside)
    scale = wanted
    while True:
        measures = _measure(arrangement, axes, picture, scale, words)
        width, height = measures.content + 2 * MARGIN, measures.height + 2 * MARGIN + 500
        if width * height <= MAX_AREA and max(width, height) <= MAX_SIDE:
            return measures, min(1.0, scale / min(1.0, wanted))
        scale *= 0.9
        if scale * max(picture) < SMALLEST:
            raise InputError(
                f"{len(cells)} pictures do not fit on one PNG.",
                f"They would be smaller than {SMALLEST} pixels.",
                "Lay the sheet as HTML instead: --out sheet.html",
            )


def _scale(longest: int, columns: int) -> float:
    """Small pictures are enlarged by a whole number, at least twice; large ones reduced to fit."""
    target = max(256, min(512, 1500 // columns))
    if longest * 2 <= target:
        return target // longest
    return min(1.0, target / longest)


def _measure(
    arrangement: Arrangement, axes: Sequence[Axis], picture: tuple[int, int], scale: float, words: Words
) -> Measures:
    cell = (max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale)))
    gutter = 0
    if arrangement.down:
        widest = max(HEAD.width(text) for name, value in arrangement.down for text in (words[name], value))
        gutter = min(260, widest) + 36
    headed = any(panel.headings for panel in arrangement.panels)
    lines = max((len(caption_lines(slot, axes, cell[0], words)) for slot in arrangement.slots), default=1)
    collected = any(slot.cell is not None and slot.cell.collections for slot in arrangement.slots)
    caption = 28 + CAPTION_LINE * (lines + collected)
    top = (54 if headed else 0) + (34 if arrangement.across else 0)
    rows = max((len(panel.rows) for panel in arrangement.panels), default=1)
    panel = (
        gutter + arrangement.columns * (cell[0] + GAP) - GAP,
        top + rows * (cell[1] + caption + GAP) - GAP,
    )
    beside = arrangement.beside
    if beside * (panel[0] + PANEL_GAP) - PANEL_GAP > BESIDE_LIMIT:
        beside = 1
    bands = -(-len(arrangement.panels) // beside)
    return Measures(scale, cell, gutter, top, caption, panel, beside, bands)


def caption_lines(slot: Slot, axes: Sequence[Axis], width: int, words: Words) -> list[list[Heading]]:
    """The pairs of a caption, names translated, broken into lines that fit under the picture."""
    lines: list[list[Heading]] = [[]]
    used = 0
    for name, value in facts.caption(slot, axes):
        needed = LABEL.width(words[name]) + SMALL.width(value) + 17
        if lines[-1] and used + needed - 12 > width:
            lines.append([])
            used = 0
        lines[-1].append((words[name], value))
        used += needed
    return lines
