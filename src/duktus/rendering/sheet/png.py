"""The sheet as one PNG: what is printed, mailed, or put on a wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from duktus.domain.decision import DecisionKind
from duktus.domain.series import Axis
from duktus.rendering.sheet import facts
from duktus.rendering.sheet import measures as m
from duktus.rendering.sheet.arrangement import Arrangement, Heading, Panel, Slot, arrange
from duktus.rendering.sheet.cell import SheetCell
from duktus.rendering.sheet.paper import ACCENT, GROUND, HAIRLINE, LABELS, Box, Paper
from duktus.rendering.sheet.pictures import UnreadableError, open_picture
from duktus.rendering.sheet.words import Words


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
    measures, share = m.fitted(arrangement, axes, cells, words)
    reduced = [words.fill("reduced", percent=round(100 * share))] if share < 1 else []
    page = _Sheet(words, axes, arrangement, measures).draw(title, cells, [*notes, *reduced])
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    try:
        page.save(partial, "PNG", compress_level=6)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Draws one sheet from top to bottom; every drawing method returns where the next thing begins."""

    words: Words
    axes: Sequence[Axis]
    arrangement: Arrangement
    measures: m.Measures
    paper: Paper = field(default_factory=Paper)

    @property
    def right(self) -> int:
        return m.MARGIN + self.measures.content

    def draw(self, title: str, cells: Sequence[SheetCell], notes: Sequence[str]) -> Image.Image:
        y = self._header(title, cells, m.MARGIN)
        wide, high = self.measures.panel
        for i, panel in enumerate(self.arrangement.panels):
            band, place = divmod(i, self.measures.beside)
            self._panel(panel, m.MARGIN + place * (wide + m.PANEL_GAP), y + band * (high + m.PANEL_GAP))
        y = self._footer(cells, notes, y + self.measures.height + 44)
        return self.paper.cut(self.right + m.MARGIN, y + m.MARGIN - 16)

    def _header(self, title: str, cells: Sequence[SheetCell], y: int) -> int:
        shared = facts.shared(cells)
        kind = self.words["sheet"]
        self.paper.text((self.right, y + 17), kind, m.LABEL, "right")
        room = self.measures.content - m.LABEL.width(kind) - 48
        y += self.paper.lines((m.MARGIN - 2, y - 8), m.TITLE.wrap(title, room), m.TITLE)
        if prompt := shared.pop("prompt", ""):
            lines = m.PROMPT.wrap(prompt, min(self.measures.content, 1100))
            y += 6 + self.paper.lines((m.MARGIN, y + 6), lines, m.PROMPT)
        y = self._shared(shared, y + 20)
        self.paper.rule((m.MARGIN, y), self.measures.content)
        return y + 44

    def _shared(self, shared: dict[str, str], y: int) -> int:
        """What all pictures have in common: small labels over values, in as many lines as it takes."""
        x, high = m.MARGIN, 0
        for name, value in shared.items():
            lines = m.VALUE.wrap(value, min(520, self.measures.content))
            wide = max(m.LABEL.width(self.words[name]), *(m.VALUE.width(line) for line in lines))
            if x > m.MARGIN and x + wide > self.right:
                x, y, high = m.MARGIN, y + high + 12, 0
            self.paper.text((x, y), self.words[name], m.LABEL)
            high = max(high, 22 + self.paper.lines((x, y + 22), lines, m.VALUE))
            x += wide + 44
        return y + high + 26

    def _panel(self, panel: Panel, x: int, y: int) -> None:
        wide, high = self.measures.cell
        left = x + self.measures.gutter
        at = left
        for name, value in panel.headings:
            at += self.paper.text((at, y), self.words[name], m.PANEL_NAME) + 8
            at += self.paper.text((at, y), value, m.PANEL_VALUE) + 24
        top = y + self.measures.top
        for column, heading in enumerate(self.arrangement.across):
            self._across(heading, left + column * (wide + m.GAP), top - 30)
        for r, row in enumerate(panel.rows):
            if self.arrangement.down:
                self._down(self.arrangement.down[r], x, top)
            for column, slot in enumerate(row):
                self._slot(slot, left + column * (wide + m.GAP), top)
            top += high + self.measures.caption + m.GAP

    def _across(self, heading: Heading, x: int, y: int) -> None:
        name, value = heading
        wide = self.paper.text((x, y + 2), self.words[name], m.LABEL) + 8
        room = self.measures.cell[0] - wide
        if m.HEAD.width(value) > room:
            value = m.HEAD.wrap(value, max(40, room - m.HEAD.width(" …")))[0] + " …"
        self.paper.text((x + wide, y), value, m.HEAD)

    def _down(self, heading: Heading, x: int, y: int) -> None:
        name, value = heading
        self.paper.text((x, y - 3), self.words[name], m.LABEL)
        lines = m.HEAD.wrap(value, self.measures.gutter - 30)
        room = max(1, (self.measures.cell[1] + self.measures.caption - 20) // m.HEAD.leading)
        if len(lines) > room:
            lines = [*lines[: room - 1], lines[room - 1].rstrip(" ,.;") + " …"]
        self.paper.lines((x, y + 17), lines, m.HEAD)

    def _slot(self, slot: Slot, x: int, y: int) -> None:
        wide, high = self.measures.cell
        box = (x, y, x + wide, y + high)
        if slot.cell is None:
            self._placard(box, [self.words["empty"]])
            self._place(slot, x, y + high + 12, quiet=True)
            return
        verdict = slot.cell.standing.verdict
        self._picture(slot.cell, box)
        if verdict is DecisionKind.KEEP:
            self.paper.frame((x - 7, y - 7, x + wide + 7, y + high + 7), ACCENT, 3)
        below = self._place(slot, x, y + high + 12, quiet=verdict is DecisionKind.DISCARD)
        at = x
        if label := slot.cell.standing.label:
            self.paper.dot((x, below + 4), LABELS[label], m.DOT)
            at += m.DOT + 6
        self.paper.text((at, below + 1), slot.cell.asset_id, m.ID)
        if said := facts.collections_words(slot.cell, self.words):
            lines = m.LABEL.wrap(said, wide - m.LABEL.width(" …"))
            self.paper.text((x, below + m.CAPTION_LINE), lines[0] + (" …" if lines[1:] else ""), m.LABEL)
        self._standing(slot.cell, x + wide, below + 1)

    def _picture(self, cell: SheetCell, box: Box) -> None:
        try:
            picture = open_picture(cell.path)
        except FileNotFoundError:
            self._placard(box, [self.words["missing"], cell.path.name])
            return
        except UnreadableError:
            self._placard(box, [self.words["unreadable"], cell.path.name])
            return
        wide, high = self.measures.cell
        scale = min(self.measures.scale, wide / picture.width, high / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        shown = picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
        if cell.standing.verdict is DecisionKind.DISCARD:
            shown = Image.blend(shown, Image.new("RGB", size, GROUND), 0.68)
        self.paper.picture((box[0], box[1]), lambda: shown)

    def _placard(self, box: Box, texts: Sequence[str]) -> None:
        """An empty frame with words in its middle."""
        self.paper.frame(box, HAIRLINE, 2)
        lines = [line for text in texts for line in m.LABEL.wrap(text, box[2] - box[0] - 32)][:6]
        y = (box[1] + box[3] - m.LABEL.leading * len(lines)) // 2
        for i, line in enumerate(lines):
            self.paper.text(((box[0] + box[2]) // 2, y + m.LABEL.leading * i), line, m.LABEL, "middle")

    def _place(self, slot: Slot, x: int, y: int, *, quiet: bool) -> int:
        """The parameters under a picture."""
        for line in m.caption_lines(slot, self.axes, self.measures.cell[0], self.words):
            at = x
            for name, value in line:
                at += self.paper.text((at, y), name, m.LABEL) + 5
                at += self.paper.text((at, y), value, m.LABEL if quiet else m.SMALL) + 12
            y += m.CAPTION_LINE
        return y

    def _standing(self, cell: SheetCell, right: int, y: int) -> None:
        """What was decided, from the right: stars, then the word."""
        discarded = cell.standing.verdict is DecisionKind.DISCARD
        if cell.standing.stars:
            face = m.DISCARDED if discarded else m.STARS
            right -= self.paper.text((right, y), "★" * cell.standing.stars, face, "right") + 8
        if cell.standing.verdict:
            face = m.DISCARDED if discarded else m.KEPT
            self.paper.text((right, y), self.words[cell.standing.verdict.value], face, "right")

    def _footer(self, cells: Sequence[SheetCell], notes: Sequence[str], y: int) -> int:
        if notes:
            self.paper.text((m.MARGIN, y), self.words["notes"], m.LABEL)
            y += 26
            for note in notes:
                lines = m.VALUE.wrap(note, min(self.measures.content, 1000))
                y += self.paper.lines((m.MARGIN, y), lines, m.VALUE) + 6
            y += 24
        self.paper.rule((m.MARGIN, y), self.measures.content)
        y += 20
        self.paper.text((self.right, y), "duktus", m.MARK, "right")
        tally = facts.tally(cells, sum(1 for _ in self.arrangement.slots), self.words)
        room = self.measures.content - 120
        texts = [
            line
            for text in (tally, facts.imprint(cells, self.words))
            if text
            for line in m.LABEL.wrap(text, room)
        ]
        return y + self.paper.lines((m.MARGIN, y), texts, m.LABEL)
