"""From prompts as written to prompts as rendered: alternatives chosen, snippets put in, both remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duktus.actions.recipes.request import Request
from duktus.actions.workspace import Workspace
from duktus.archive import snippets
from duktus.domain import templates
from duktus.domain.errors import InputError
from duktus.domain.snippet import REFERENCE

FOLDER = "wildcards"
"""Of the workspace: lists for ``__name__``, one text file each, one value a line."""
LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Worded:
    """One prompt. ``source`` is a template that stands for it alone, with its snippets pinned."""

    text: str
    source: str
    snippets: tuple[str, ...] = ()
    """Hashes of the snippets it was composed with."""


def plain(text: str) -> Worded:
    """A prompt to be taken as it stands."""
    return Worded(text, templates.literal(text))


def worded(workspace: Workspace, request: Request, given: Sequence[str]) -> tuple[Worded, ...]:
    """The prompts behind those given; repeats removed.

    :class:`InputError` for a mistake in a template or an unknown list, :class:`NotFoundError` for an unknown
    snippet.
    """
    chosen: list[str] = []
    for text in given:
        chosen += _chosen(workspace, request, text) if templates.is_template(text) else [text]
    if not any(REFERENCE.search(text) for text in chosen):
        return tuple(dict.fromkeys(plain(text) for text in chosen))
    with workspace.archive.read() as connection:
        composed = [snippets.compose(connection, text) for text in chosen]
    return tuple(
        dict.fromkeys(Worded(one.text, templates.literal(one.pinned), one.hashes) for one in composed)
    )


def _chosen(workspace: Workspace, request: Request, text: str) -> list[str]:
    lists = {**wildcard_lists(workspace.root / FOLDER), **dict(request.lists)} if "__" in text else {}
    if request.draw is None:
        return templates.every(text, lists)
    return templates.draw(text, lists, request.draw, request.wildcard_seed)


def wildcard_lists(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Every list in the folder by its name: ``hair/short.txt`` is ``hair/short``. Lines that begin with ``#``
    and empty ones are left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.rglob("*.txt")):
        try:
            if path.stat().st_size > LARGEST:
                raise InputError(f"{path} is larger than {LARGEST >> 20} MB.", "", "Split the list.")
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not text.", "It is not UTF-8.", "Write it again.") from error
        name = path.relative_to(folder).with_suffix("").as_posix()
        found[name] = tuple(
            line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")
        )
    return found
