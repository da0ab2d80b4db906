"""The way to a picture as a graph: training pictures, base, style, and every picture on the way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class NodeKind(StrEnum):
    """What a node of the graph stands for."""

    TRAINING = "training pictures"
    BASE = "base"
    STYLE = "style"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Node:
    """One thing on the way. ``picture`` is its file, when it is one."""

    id: str
    kind: NodeKind
    title: str
    lines: tuple[str, ...] = ()
    picture: Path | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """From what came first to what came of it, with what was changed."""

    before: str
    after: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order of time, pictures last, and the links between them."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
