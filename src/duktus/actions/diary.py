"""`duktus diary`: how a series, a collection or a picture came about, written down to be read and printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duktus.actions.log import log, said_of
from duktus.actions.progress import Progress, Silent
from duktus.actions.subjects import named_subject
from duktus.actions.workspace import Workspace
from duktus.archive import collections, decisions, descents, pictures, series, styles
from duktus.archive.disk import explained
from duktus.domain.changes import changes
from duktus.domain.decision import counting, standing
from duktus.domain.descent import Subject
from duktus.domain.errors import InputError, NotFoundError
from duktus.domain.recipe import Recipe
from duktus.domain.style import Style
from duktus.rendering.diary import Diary, Entry, Taught, diary_html, diary_markdown, diary_pdf

WRITERS: Mapping[str, Callable[[Diary, Path], None]] = {
    ".pdf": diary_pdf,
    ".html": diary_html,
    ".htm": diary_html,
    ".md": diary_markdown,
}


@dataclass(frozen=True, slots=True)
class Written:
    """The file that was written, and how many pictures it tells of."""

    path: Path
    pictures: int


def write_diary(
    workspace: Workspace,
    name: str,
    out: Path,
    *,
    title: str | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> Written:
    """Write the diary as PDF, HTML or Markdown, by the ending of ``out``.

    A series is told in the order of its cells, a collection in its own order, a picture as the whole way that
    led to it. Each picture is compared with the one it was made from where that is told too, else with the
    one before it.
    """
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise InputError(
            f"{out} is neither a .pdf, nor a .html, nor a .md file.",
            "The ending says what kind of diary is written.",
            f"Write for instance --out {out.with_suffix('.pdf').name}.",
        )
    kind, subject = named_subject(workspace, name)
    ids, notes = _told_pictures(workspace, kind, subject)
    if not ids:
        raise InputError(
            f"'{subject}' has no picture yet.", "A diary tells of pictures.", "Render or add one first."
        )
    content = _content(workspace, kind, subject, ids, notes, title=title, language=language)
    (progress or Silent()).say(f"Writing the diary of {len(ids)} pictures.")
    with explained(out):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        write(content, out)
    return Written(out.absolute(), len(ids))


def _told_pictures(workspace: Workspace, kind: Subject, subject: str) -> tuple[list[str], tuple[str, ...]]:
    if kind is Subject.ASSET:
        return [step.picture.id for step in log(workspace, subject).steps], ()
    with workspace.archive.read() as connection:
        if kind is Subject.COLLECTION:
            return collections.members(connection, subject), ()
        found = series.get(connection, subject)
    return [cell.asset_id for cell in found.cells if cell.asset_id], found.notes


def _content(
    workspace: Workspace,
    kind: Subject,
    subject: str,
    ids: Sequence[str],
    notes: tuple[str, ...],
    *,
    title: str | None,
    language: str,
) -> Diary:
    with workspace.archive.read() as connection:
        listed = pictures.several(connection, ids)
        aims = descents.aims_of(connection, Subject.ASSET, ids)
        whole = descents.aims_of(connection, kind, [subject]) if kind is not Subject.ASSET else {}
        origins = {id_: descents.origin(connection, id_) for id_ in listed}
        events = {id_: decisions.history(connection, id_) for id_ in listed}
        begun = {file for one in listed.values() if one.recipe for file in one.recipe.pictures}
        known = pictures.ids_of(connection, begun)
    places: dict[str, int] = {}
    entries: list[Entry] = []
    for number, id_ in enumerate(ids, start=1):
        picture, origin = listed[id_], origins[id_]
        said = said_of(picture)
        against = places.get(origin.parent) if origin else None
        against = against or (number - 1 or None)
        before = entries[against - 1].said if against else None
        entries.append(
            Entry(
                number=number,
                asset_id=id_,
                path=workspace.file(picture),
                said=said,
                against=against,
                changes=changes(before, said) if before and said else (),
                aim=aims[id_].text if id_ in aims else "",
                standing=standing(events[id_]),
                decisions=tuple(counting(events[id_])),
                created=picture.created,
                made_from=known,
            )
        )
        places.setdefault(id_, number)
    used = {
        one.style: one.name
        for entry in entries
        if isinstance(entry.said, Recipe)
        for one in entry.said.adapters
    }
    taught = [Taught(name, _known_style(workspace, style_hash)) for style_hash, name in used.items()]
    aim = whole[subject].text if subject in whole else ""
    return Diary(title or subject, aim, tuple(entries), tuple(taught), notes, language)


def _known_style(workspace: Workspace, style_hash: str) -> Style | None:
    """The style as it was taught here; None for one from elsewhere."""
    try:
        with workspace.archive.read() as connection:
            return styles.by_hash(connection, style_hash)
    except NotFoundError:
        return None
