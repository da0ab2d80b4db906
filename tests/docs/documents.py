"""What the documents say, read for the tests: fenced blocks, commands, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, whether it is marked to run, and where it stands."""

    file: Path
    line: int
    language: str
    runs: bool
    body: str

    def commands(self) -> list[tuple[str, str]]:
        """(command, expected output) of a console block; lines that begin with ``$`` are commands."""
        found: list[tuple[str, list[str]]] = []
        for line in self.body.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found:
                found[-1][1].append(line)
        return [(command, "\n".join(lines)) for command, lines in found]


def documents() -> list[Path]:
    """Every Markdown file of the repository that people read."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(file: Path) -> list[Block]:
    """The fenced blocks of a document, in order."""
    text = file.read_text("utf-8")
    found: list[Block] = []
    for match in _FENCE.finditer(text):
        language, *marks = match["info"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(file, line, language, "run" in marks, match["body"]))
    return found


def links(file: Path) -> list[str]:
    """The targets of all links outside fenced blocks."""
    return [match["target"] for match in _LINK.finditer(_FENCE.sub("", file.read_text("utf-8")))]


def matches(expected: str, output: str) -> bool:
    """Whether the expected lines come in the output in this order; ``...`` stands for anything."""
    pieces = [re.sub(r"\s+", r"\\s+", re.escape(piece.strip())) for piece in expected.split("...")]
    pieces = [piece.replace(r"\ ", " ").replace(r"\\s+", r"\s+") for piece in pieces]
    return re.search(r".*?".join(pieces), output, re.DOTALL) is not None
