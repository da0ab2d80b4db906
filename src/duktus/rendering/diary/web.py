"""The diary as one HTML file that carries its pictures, needs no network, and prints on A4."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path

from duktus.families.atomic_file import write_atomically
from duktus.rendering.diary import telling
from duktus.rendering.diary.content import Chapter, Diary, Entry
from duktus.rendering.diary.telling import Pair
from duktus.rendering.diary.words import Words
from duktus.rendering.sheet.pictures import UnreadableError, data_uri, open_picture, preview_uri

_HERE = Path(__file__).parent
_FACE = _HERE.parent / "sheet" / "type" / "Inter.woff2"

EMBED_WHOLE = 64 * 2**20
"""Bytes of picture files up to which they are embedded as they are, with their recipes in them."""
PREVIEW_SIDE = 768
"""Pixels a side of the previews in a larger diary."""


def diary_html(diary: Diary, out: Path) -> None:
    """Write the diary. The file loads nothing, and its content policy forbids it to."""
    write_atomically(out, _Page(diary).document().encode())


class _Page:
    """Writes one diary from top to bottom."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self._words = Words(diary.language)
        there = (entry.path for entry in diary.entries)
        self._whole = sum(path.stat().st_size for path in there if path.is_file()) <= EMBED_WHOLE

    def document(self) -> str:
        face = base64.b64encode(_FACE.read_bytes()).decode("ascii")
        style = (_HERE / "diary.css").read_text("utf-8").replace("INTER_WOFF2", face)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; img-src data:; font-src data:; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'"
        )
        chapters = "\n".join(self._chapter(chapter) for chapter in self._diary.chapters)
        return f"""<!doctype html>
<html lang="{self._words.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="duktus">
<title>{escape(self._diary.title)}</title>
<style>{style}</style>
</head>
<body>
{self._header()}
<main>
{chapters}
</main>
{self._footer()}
</body>
</html>
"""

    def _header(self) -> str:
        diary, words = self._diary, self._words
        aim = f'<p class="aim"><i>{words["aim"]}</i> {escape(diary.aim)}</p>' if diary.aim else ""
        origins = "".join(f"<li>{escape(line)}</li>" for line in telling.origins(diary, words))
        return (
            f'<header><p class="kind">{words["diary"]}</p><h1>{escape(diary.title)}</h1>{aim}'
            f'<p class="summary">{escape(telling.summary(diary, words))}</p>'
            f"{_pairs(telling.shared(diary, words))}<ul>{origins}</ul></header>"
        )

    def _chapter(self, chapter: Chapter) -> str:
        title = f"<h2><i>{self._words['aim']}</i> {escape(chapter.aim)}</h2>" if chapter.aim else ""
        entries = "\n".join(self._entry(entry) for entry in chapter.entries)
        return f"<section>{title}\n{entries}\n</section>"

    def _entry(self, entry: Entry) -> str:
        words = self._words
        verdict = entry.standing.verdict
        kind = verdict.value if verdict else ""
        label = f' data-label="{entry.standing.label}"' if entry.standing.label else ""
        changed = "".join(
            f"<li>{f'<i>{escape(name)}</i> ' if name else ''}{escape(how)}</li>"
            for name, how in telling.changed(entry, words)
        )
        decided = "".join(
            f'<p class="decided"><b>{escape(what)}</b> <span>{escape(whom)}</span></p>'
            for what, whom in telling.decided(entry, words)
        )
        return (
            f'<article class="{kind}"{label}>{self._picture(entry)}<div class="told">'
            f'<h3><span class="number">{entry.number}</span> <span class="id">{entry.asset_id}</span></h3>'
            f'<p class="against">{escape(telling.heading(entry, words))}</p>'
            f'<ul class="changed">{changed}</ul>'
            f"{_pairs(telling.own(self._diary, entry, words))}{decided}</div></article>"
        )

    def _picture(self, entry: Entry) -> str:
        try:
            picture = open_picture(entry.path)
        except (FileNotFoundError, UnreadableError) as error:
            text = self._words["missing" if isinstance(error, FileNotFoundError) else "unreadable"]
            return f'<div class="frame"><p>{escape(text)}</p></div>'
        source = data_uri(entry.path) if self._whole else preview_uri(picture, PREVIEW_SIDE)
        alt = self._words.fill("picture", n=entry.number)
        return f'<img src="{source}" width="{picture.width}" height="{picture.height}" alt="{escape(alt)}">'

    def _footer(self) -> str:
        diary, words = self._diary, self._words
        items = "".join(
            f"<div><dt>{letter}{n}</dt><dd>{escape(text)}</dd></div>"
            for letter, texts in (("P", diary.prompts), ("N", diary.negative_prompts))
            for n, text in enumerate(texts, start=1)
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in diary.notes)
        said = f"<h2>{words['notes']}</h2><ul>{notes}</ul>" if notes else ""
        return (
            f'<footer><h2>{words["prompts"]}</h2><dl class="prompts">{items}</dl>{said}'
            '<p class="mark">duktus</p></footer>'
        )


def _pairs(pairs: list[Pair]) -> str:
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="settings">{items}</dl>' if items else ""
