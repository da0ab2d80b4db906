"""The sheet as one HTML file: it carries its pictures, needs no network, and can be mailed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from duktus.domain.decision import DecisionKind
from duktus.domain.series import Axis
from duktus.rendering.sheet import facts
from duktus.rendering.sheet.arrangement import Arrangement, Heading, Panel, Slot, arrange
from duktus.rendering.sheet.cell import SheetCell
from duktus.rendering.sheet.pictures import UnreadableError, data_uri, mean_change, open_picture, preview_uri
from duktus.rendering.sheet.words import Words

_HERE = Path(__file__).parent

EMBED_WHOLE = 64 * 2**20
"""Bytes of picture files up to which they are embedded as they are, with their recipes in them."""
PREVIEW_SIDE = 768
"""Pixels a side of the previews in a larger sheet."""


def sheet_html(
    title: str,
    axes: Sequence[Axis],
    cells: Sequence[SheetCell],
    out: Path,
    *,
    notes: Sequence[str] = (),
    lang: str = "en",
) -> None:
    """Write the contact sheet of a series as one HTML file, replacing ``out`` only when it is complete.

    Pictures are embedded as the files they are, so one saved from the sheet still carries its recipe; a
    series of more than 64 MiB is embedded as previews, with a note. The file loads nothing, and its content
    policy forbids it to. ``lang`` is ``en`` or ``de``.
    """
    words = Words(lang)
    whole = sum(cell.path.stat().st_size for cell in cells if cell.path.is_file()) <= EMBED_WHOLE
    remarks = [*notes, *([] if whole else [words.fill("previews", pixels=PREVIEW_SIDE)])]
    sheet = _Sheet(words, axes, arrange(axes, cells), whole=whole)
    document = sheet.document(title, cells, remarks)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(document, encoding="utf-8", newline="\n")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _policy(style: str, script: str) -> str:
    """Only this style, this script, and data that the file carries."""

    def source(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; img-src data:; font-src data:; style-src {source(style)}; "
        f"script-src {source(script)}; base-uri 'none'; form-action 'none'"
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Writes one sheet from top to bottom."""

    words: Words
    axes: Sequence[Axis]
    arrangement: Arrangement
    whole: bool

    def document(self, title: str, cells: Sequence[SheetCell], notes: Sequence[str]) -> str:
        face = base64.b64encode((_HERE / "type" / "Inter.woff2").read_bytes()).decode("ascii")
        style = (_HERE / "sheet.css").read_text("utf-8").replace("INTER_WOFF2", face)
        style = style.replace("COLUMNS", str(self.arrangement.columns)).replace("GUTTER", str(self._gutter()))
        script = (_HERE / "sheet.js").read_text("utf-8")
        panels = "\n".join(self._panel(panel) for panel in self.arrangement.panels)
        return f"""<!doctype html>
<html lang="{self.words.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="duktus">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body data-size="m">
{self._header(title, cells)}
<main>
{panels}
</main>
{self._footer(cells, notes)}
{self._dialog()}
<script>{script}</script>
</body>
</html>
"""

    def _gutter(self) -> int:
        """Pixels for the headings of the rows."""
        if not self.arrangement.down:
            return 0
        return max(64, min(244, 24 + 9 * max(len(value) for _, value in self.arrangement.down)))

    def _text(self, key: str) -> str:
        return escape(self.words[key])

    def _header(self, title: str, cells: Sequence[SheetCell]) -> str:
        shared = facts.shared(cells)
        prompt = shared.pop("prompt", "")
        pairs = "".join(
            f"<div><dt>{self._text(name)}</dt><dd>{escape(value)}</dd></div>"
            for name, value in shared.items()
        )
        sizes = "".join(
            f'<button type="button" data-set-size="{key}" aria-pressed="{str(key == "m").lower()}">'
            f"{self._text(name)}</button>"
            for key, name in (("s", "small"), ("m", "medium"), ("l", "large"))
        )
        differences = ""
        if any(slot.neighbours for slot in self.arrangement.slots):
            differences = (
                f'<button type="button" data-toggle="show-differences" aria-pressed="false">'
                f"{self._text('show_differences')}</button>"
            )
        return f"""<header>
<p class="kind">{self._text("sheet")}</p>
<h1>{escape(title)}</h1>
{f'<p class="prompt">{escape(prompt)}</p>' if prompt else ""}
<dl class="shared">{pairs}</dl>
<div class="tools" hidden>
<div role="group" aria-label="{self._text("picture_size")}">{sizes}</div>
{differences}
</div>
<p class="legend">{self._text("legend")}</p>
</header>"""

    def _panel(self, panel: Panel) -> str:
        heading = " ".join(self._heading(pair) for pair in panel.headings)
        heading = f"<h2>{heading}</h2>\n" if heading else ""
        grid = self._table(panel) if self.arrangement.across else self._list(panel)
        return f"<section>\n{heading}{grid}\n</section>"

    def _heading(self, pair: Heading) -> str:
        name, value = pair
        return f'<span class="axis">{self._text(name)}</span> <span class="value">{escape(value)}</span>'

    def _table(self, panel: Panel) -> str:
        names = [self.arrangement.across[0][0], *(name for name, _ in self.arrangement.down[:1])]
        label = self.words.fill("grid", axes=", ".join(self.words[name] for name in names))
        where = ", ".join(f"{self.words[name]} {value}" for name, value in panel.headings)
        label = escape(f"{label}, {where}" if where else label)
        corner = "<td></td>" if self.arrangement.down else ""
        head = "".join(f'<th scope="col">{self._heading(pair)}</th>' for pair in self.arrangement.across)
        rows: list[str] = []
        for r, row in enumerate(panel.rows):
            side = ""
            if self.arrangement.down:
                side = f'<th scope="row">{self._heading(self.arrangement.down[r])}</th>'
            cells = "".join(f"<td>{self._slot(slot, r, column)}</td>" for column, slot in enumerate(row))
            rows.append(f"<tr>{side}{cells}</tr>")
        return f"""<div class="scroll" role="region" aria-label="{label}" tabindex="0">
<table>
<thead><tr>{corner}{head}</tr></thead>
<tbody>
{chr(10).join(rows)}
</tbody>
</table>
</div>"""

    def _list(self, panel: Panel) -> str:
        slots = [slot for row in panel.rows for slot in row]
        items = "\n".join(f"<li>{self._slot(slot, 0, i)}</li>" for i, slot in enumerate(slots))
        return f'<ul class="flow">\n{items}\n</ul>'

    def _slot(self, slot: Slot, row: int, column: int) -> str:
        pairs = "".join(
            f"<span><i>{self._text(name)}</i> {escape(value)}</span> "
            for name, value in facts.caption(slot, self.axes)
        )
        if slot.cell is None:
            return (
                f'<figure class="empty"><div class="frame"><p>{self._text("empty")}</p></div>'
                f'<figcaption><p class="place">{pairs}</p></figcaption></figure>'
            )
        standing = facts.standing_words(slot.cell, self.words)
        verdict = slot.cell.standing.verdict
        kind = (
            {DecisionKind.KEEP: "keep", DecisionKind.DISCARD: "discard"}.get(verdict, "") if verdict else ""
        )
        stars = f'<b class="stars" aria-hidden="true">{"★" * (slot.cell.standing.stars or 0)}</b>'
        mark = ""
        if standing:
            mark = f'<p class="standing">{self._label(slot.cell)}<b>{self._text(kind)}</b> {stars}</p>'
        if collected := facts.collections_words(slot.cell, self.words):
            mark += f'<p class="collected">{escape(collected)}</p>'
        return (
            f'<figure class="{kind}" data-row="{row}" data-column="{column}">{self._picture(slot, slot.cell)}'
            f'<figcaption><p class="place">{pairs}</p><p class="id">{escape(slot.cell.asset_id)}</p>{mark}'
            f"{self._differences(slot, slot.cell)}</figcaption>{self._facts(slot.cell)}</figure>"
        )

    def _label(self, cell: SheetCell) -> str:
        label = cell.standing.label
        if label is None:
            return ""
        said = escape(self.words.fill("label", colour=self.words[label.value]))
        return f'<span class="label {label.value}" role="img" title="{said}" aria-label="{said}"></span> '

    def _picture(self, slot: Slot, cell: SheetCell) -> str:
        try:
            picture = open_picture(cell.path)
        except (FileNotFoundError, UnreadableError) as error:
            text = self._text("missing" if isinstance(error, FileNotFoundError) else "unreadable")
            return f'<div class="frame"><p>{text}<br><code>{escape(cell.path.name)}</code></p></div>'
        source = data_uri(cell.path) if self.whole else preview_uri(picture, PREVIEW_SIDE)
        place = ", ".join(f"{self.words[name]} {value}" for name, value in facts.caption(slot, self.axes))
        standing = facts.standing_words(cell, self.words)
        alt = ": ".join(
            (self.words.fill("portrait", n=slot.number), ", ".join(filter(None, (place, standing))))
        )
        return (
            f'<button type="button" class="enlarge" aria-haspopup="dialog">'
            f'<img src="{source}" width="{picture.width}" height="{picture.height}" alt="{escape(alt)}">'
            f"</button>"
        )

    def _differences(self, slot: Slot, cell: SheetCell) -> str:
        if not slot.neighbours:
            return ""
        rows: list[str] = []
        for there in slot.neighbours:
            change = mean_change(there.cell.path, cell.path)
            if change is None:
                said = self._text("other_size")
            else:
                said = self._text("identical") if change == 0 else self._mean(change)
            text = escape(self.words.fill("change", **{"from": there.there, "to": there.here}))
            kind = ' class="same"' if change == 0 else ""
            rows.append(f"<li{kind}><i>{self._text(there.axis)}</i> {text}: <b>{said}</b></li>")
        return f'<ul class="differences" aria-label="{self._text("differences")}">{"".join(rows)}</ul>'

    def _mean(self, change: float) -> str:
        return escape(self.words.fill("mean_change", percent=self.words.percent(change)))

    def _facts(self, cell: SheetCell) -> str:
        pairs = [*facts.parameters(cell.recipe), ("recipe", cell.recipe.id), ("asset", cell.asset_id)]
        if cell.standing.reason:
            pairs.append(("reason", cell.standing.reason))
        if cell.collections:
            pairs.append(("collections", ", ".join(cell.collections)))
        rows = "".join(
            f"<div><dt>{self._text(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs
        )
        return f'<dl class="facts" hidden>{rows}</dl>'

    def _footer(self, cells: Sequence[SheetCell], notes: Sequence[str]) -> str:
        said = ""
        if notes:
            items = "".join(f"<li>{escape(note)}</li>" for note in notes)
            said = f'<section class="notes"><h2>{self._text("notes")}</h2><ul>{items}</ul></section>'
        tally = escape(facts.tally(cells, sum(1 for _ in self.arrangement.slots), self.words))
        imprint = escape(facts.imprint(cells, self.words))
        return f"""<footer>
{said}
<div class="imprint"><p>{tally}<br>{imprint}</p><p class="mark">duktus</p></div>
</footer>"""

    def _dialog(self) -> str:
        buttons = "".join(
            f'<button type="button" data-do="{key}" aria-label="{self._text(key)}">{sign}</button>'
            for key, sign in (("previous", "←"), ("next", "→"))
        )
        return f"""<dialog aria-labelledby="large-title">
<div class="stage"><img alt=""></div>
<div class="side">
<div class="bar">{buttons}
<button type="button" data-do="pixels" aria-pressed="false">{self._text("pixels")}</button>
<button type="button" data-do="close">{self._text("close")}</button></div>
<h2 id="large-title" tabindex="-1"></h2>
<p class="standing"></p>
<div class="large-facts"></div>
<div class="large-differences"><h3>{self._text("against")}</h3></div>
<p class="keys">{self._text("keys")}</p>
</div>
</dialog>"""
