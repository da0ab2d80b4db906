"""The way to a picture drawn: as Mermaid and DOT for other programs, as an SVG with the pictures in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape

from duktus.domain.way import Graph, Node, NodeKind
from duktus.rendering.sheet.pictures import UnreadableError, open_picture, preview_uri

SIDE = 96
"""Pixels of a picture in the SVG."""
WIDTH = 760
_ROW, _BOX, _GAP, _LEADING = 128, 58, 26, 18
_MOST_LETTERS = 84
"""That fit beside a picture; longer words of a change go on in further lines."""
_INK, _QUIET, _HAIRLINE, _GROUND = "#1d1c1a", "#68655e", "#d6d3cb", "#f4f3ef"


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart from top to bottom."""
    names = _names(graph)
    lines = ["flowchart TD"]
    for node in graph.nodes:
        label = _mermaid_text("\n".join((node.title, *node.lines)))
        left, right = ("([", "])") if node.kind is NodeKind.TRAINING else ("[", "]")
        lines.append(f'  {names[node.id]}{left}"{label}"{right}')
    for link in graph.links:
        words = f'|"{_mermaid_text("; ".join(link.words))}"|' if link.words else ""
        lines.append(f"  {names[link.before]} -->{words} {names[link.after]}")
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """A Graphviz digraph."""
    names = _names(graph)
    lines = ["digraph way {", '  node [shape=box, fontname="Inter"];', '  edge [fontname="Inter"];']
    lines += [f"  {names[node.id]} [label={_dot_text((node.title, *node.lines))}];" for node in graph.nodes]
    for link in graph.links:
        words = f" [label={_dot_text(link.words)}]" if link.words else ""
        lines.append(f"  {names[link.before]} -> {names[link.after]}{words};")
    return "\n".join([*lines, "}"]) + "\n"


def svg(graph: Graph) -> str:
    """One self-contained SVG: what was taught above, then picture under picture with what was changed."""
    above = [node for node in graph.nodes if node.kind is not NodeKind.PICTURE]
    pictures = [node for node in graph.nodes if node.kind is NodeKind.PICTURE]
    words = {link.after: link.words for link in graph.links if link.words}
    parts: list[str] = []
    y = _GAP
    for node in above:
        parts.append(_box(node, y))
        y += _BOX + _GAP
    for node in pictures:
        lines = [*(piece for line in words.get(node.id, ()) for piece in _cut(line)), *node.lines]
        high = max(_ROW, SIDE // 3 + _LEADING * (len(lines) + 1))
        parts.append(_row(node, lines, y))
        if node is not pictures[-1]:
            centre = _GAP + SIDE // 2
            parts.append(
                f'<line x1="{centre}" x2="{centre}" y1="{y + SIDE}" y2="{y + high}" stroke="{_QUIET}"/>'
            )
        y += high
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + _GAP}" '
        f'viewBox="0 0 {WIDTH} {y + _GAP}" font-family="Inter, system-ui, sans-serif" font-size="14">\n'
        f'<rect width="100%" height="100%" fill="{_GROUND}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


WRITERS: Mapping[str, Callable[[Graph], str]] = {"mermaid": mermaid, "dot": dot, "svg": svg}


def _names(graph: Graph) -> dict[str, str]:
    """Short names that are words in both languages."""
    return {node.id: f"n{place}" for place, node in enumerate(graph.nodes)}


def _mermaid_text(text: str) -> str:
    """Inside quotes Mermaid reads entities, written with # instead of &."""
    marked = text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return marked.replace("\n", "<br>")


def _dot_text(lines: tuple[str, ...]) -> str:
    return json.dumps("\n".join(lines), ensure_ascii=False)


def _box(node: Node, y: int) -> str:
    second = escape(" · ".join(node.lines))
    return (
        f'<g><rect x="{_GAP}" y="{y}" width="{WIDTH - 2 * _GAP}" height="{_BOX}" fill="none" '
        f'stroke="{_HAIRLINE}"/><text x="{_GAP + 14}" y="{y + 24}" fill="{_INK}" font-weight="620">'
        f'{escape(node.title)}</text><text x="{_GAP + 14}" y="{y + 44}" fill="{_QUIET}">{second}</text></g>'
    )


def _row(node: Node, lines: list[str], y: int) -> str:
    x = _GAP + SIDE + 20
    texts = [f'<text x="{x}" y="{y + 16}" fill="{_INK}" font-weight="620">{escape(node.title)}</text>']
    texts += [
        f'<text x="{x}" y="{y + 16 + _LEADING * place}" fill="{_QUIET}">{escape(line)}</text>'
        for place, line in enumerate(lines, start=1)
    ]
    return f"<g>{_thumbnail(node, y)}{''.join(texts)}</g>"


def _thumbnail(node: Node, y: int) -> str:
    frame = f'x="{_GAP}" y="{y}" width="{SIDE}" height="{SIDE}"'
    try:
        if node.picture is not None:
            source = preview_uri(open_picture(node.picture), 2 * SIDE)
            return f'<image {frame} href="{source}"/>'
    except (FileNotFoundError, UnreadableError):
        pass  # an empty frame stands for a file that is gone
    return f'<rect {frame} fill="none" stroke="{_HAIRLINE}"/>'


def _cut(line: str) -> list[str]:
    pieces: list[str] = [""]
    for word in line.split(" "):
        if len(pieces[-1]) + len(word) >= _MOST_LETTERS:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]} {word}".strip()
    return pieces
