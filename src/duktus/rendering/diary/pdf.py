"""The diary as a PDF in A4, to print as an appendix."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from reportlab.lib.units import mm

from duktus.domain.decision import DecisionKind
from duktus.families.atomic_file import write_atomically
from duktus.rendering.diary import telling
from duktus.rendering.diary.content import Chapter, Diary, Entry
from duktus.rendering.diary.sheets import ACCENT, HAIRLINE, INNER, QUIET, STRONG, Line, Sheets, Type
from duktus.rendering.diary.telling import Pair
from duktus.rendering.diary.words import Words
from duktus.rendering.sheet.pictures import UnreadableError, open_picture

SIDE = 46 * mm
"""Of a picture's place on the paper."""
_GAP = 7 * mm
_LEFT = SIDE + _GAP
_COLUMN = INNER - _LEFT
_PLAIN, _SMALL, _STRONG = Type(9.5), Type(8, QUIET), Type(9.5, face=STRONG)
_TITLE, _HEAD, _NUMBER = Type(24, face=STRONG), Type(13, face=STRONG), Type(13, face=STRONG)
_LABELS = {"red": "#b3261e", "yellow": "#d9a400", "green": "#2e7d32", "blue": "#1f5fb4", "purple": "#7b3fa0"}


def diary_pdf(diary: Diary, out: Path) -> None:
    """Write the diary with its typeface inside; a picture is never torn from what is told of it."""
    words = Words(diary.language)
    sheets = Sheets()
    _opening(sheets, diary, words)
    for chapter in diary.chapters:
        _chapter(sheets, diary, chapter, words)
    _closing(sheets, diary, words)
    data = sheets.document(diary.title, lambda n, total: words.fill("page", n=n, total=total))
    write_atomically(out, data)


def _opening(sheets: Sheets, diary: Diary, words: Words) -> None:
    sheets.paragraph(words["diary"], _SMALL)
    sheets.skip(4)
    sheets.paragraph(diary.title, _TITLE)
    if diary.aim:
        sheets.skip(4)
        sheets.paragraph(f"{words['aim']}: {diary.aim}", Type(12))
    sheets.skip(6)
    sheets.paragraph(telling.summary(diary, words), _PLAIN)
    same = telling.shared(diary, words)
    if same:
        sheets.paragraph(" · ".join(f"{name} {value}" for name, value in same), _PLAIN)
    for line in telling.origins(diary, words):
        sheets.paragraph(line, _SMALL)
    sheets.skip(10)


def _chapter(sheets: Sheets, diary: Diary, chapter: Chapter, words: Words) -> None:
    if chapter.aim:
        sheets.room(SIDE + 60)
        sheets.skip(10)
        sheets.paragraph(f"{words['aim']}: {chapter.aim}", _HEAD)
        sheets.skip(8)
    for entry in chapter.entries:
        _entry(sheets, entry, _told(diary, entry, words))


def _entry(sheets: Sheets, entry: Entry, lines: list[Line]) -> None:
    height = max(SIDE, *(line.y + line.type.leading for line in lines)) + 10 * mm
    sheets.room(height)
    sheets.rule()
    sheets.skip(5 * mm)
    sheets.picture(
        _opened(entry.path, dim=entry.standing.verdict is DecisionKind.DISCARD), (0, 0, SIDE, SIDE)
    )
    if entry.standing.verdict is DecisionKind.KEEP:
        sheets.frame((-2.5, -2.5, SIDE + 5, SIDE + 5), ACCENT, 2)
    sheets.lines(lines)
    if entry.standing.label:
        x = INNER - 12 * mm
        sheets.frame((x, 3, 12 * mm, 3), _LABELS.get(entry.standing.label, HAIRLINE), 3)
    sheets.skip(height - 5 * mm)


def _told(diary: Diary, entry: Entry, words: Words) -> list[Line]:
    """Everything beside a picture, set from top to bottom."""
    number = str(entry.number)
    lines = [
        Line(_LEFT, 0, number, _NUMBER),
        Line(_LEFT + _NUMBER.width(number) + 8, 4, entry.asset_id, _SMALL),
    ]
    y = _set(lines, telling.heading(entry, words), _SMALL, 21.0)
    for name, how in telling.changed(entry, words):
        y = _set(lines, f"{name}: {how}" if name else how, _PLAIN, y, indent=0 if name else 8)
    own = telling.own(diary, entry, words)
    if own:
        y = _pairs(lines, own, y + 5)
    for what, whom in telling.decided(entry, words):
        kept = entry.standing.verdict is DecisionKind.KEEP
        y = _set(lines, what, Type(9.5, ACCENT, STRONG) if kept else _STRONG, y + 4)
        y = _set(lines, whom, _SMALL, y)
    return lines


def _set(lines: list[Line], text: str, face: Type, y: float, *, indent: float = 0) -> float:
    for piece in face.wrap(text, _COLUMN - indent):
        lines.append(Line(_LEFT + indent, y, piece, face))
        y += face.leading
    return y


def _pairs(lines: list[Line], pairs: list[Pair], y: float) -> float:
    """Names above values, side by side, in as many rows as they need."""
    x = 0.0
    for name, value in pairs:
        wide = max(_SMALL.width(name), _PLAIN.width(value))
        if x and x + wide > _COLUMN:
            x, y = 0.0, y + 28
        lines += [Line(_LEFT + x, y, name, _SMALL), Line(_LEFT + x, y + 11, value, _PLAIN)]
        x += wide + 16
    return y + 26


def _opened(path: Path, *, dim: bool) -> Image.Image | None:
    try:
        picture = open_picture(path)
    except (FileNotFoundError, UnreadableError):
        return None
    return Image.blend(picture, Image.new("RGB", picture.size, "white"), 0.6) if dim else picture


def _closing(sheets: Sheets, diary: Diary, words: Words) -> None:
    sheets.room(80)
    sheets.rule()
    sheets.skip(14)
    sheets.paragraph(words["prompts"], _HEAD)
    sheets.skip(6)
    for letter, texts in (("P", diary.prompts), ("N", diary.negative_prompts)):
        for number, text in enumerate(texts, start=1):
            sheets.room(30)
            sheets.lines([Line(0, 0, f"{letter}{number}", Type(8.5, face=STRONG))])
            sheets.paragraph(text or "-", Type(8.5), x=12 * mm)
            sheets.skip(4)
    if diary.notes:
        sheets.room(40)
        sheets.skip(10)
        sheets.paragraph(words["notes"], _HEAD)
        for note in diary.notes:
            sheets.paragraph(note, _PLAIN)
