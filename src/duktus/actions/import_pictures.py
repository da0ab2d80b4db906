"""`duktus import`: pictures of other programs into the archive, as they are.

Nothing outside the workspace is changed. Each picture is kept and recorded before the next is read, so the
command can be stopped at any moment and given again; what is there already costs one reading.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from duktus.actions.foreign.sidecar import sidecar_of
from duktus.actions.progress import Progress, Silent, Tick
from duktus.actions.workspace import Workspace
from duktus.archive import assets, foreign
from duktus.archive.disk import explained as disk_explained
from duktus.archive.times import now
from duktus.domain.canonical import sha256_hex, short_id
from duktus.domain.errors import NotFoundError, PictureError
from duktus.domain.foreign import ForeignPicture
from duktus.rendering.compare import pixel_hash
from duktus.rendering.metadata.decode import decode
from duktus.rendering.metadata.explain import Explained, contents_of, explain, is_picture, read_file
from duktus.rendering.parameters_text import slug

FOLDER = "imported"
"""Of imported pictures, below ``pictures/``."""
PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".jfif", ".webp", ".avif"}
"""Names that promise a picture we read: one that holds something else is refused, not passed over."""
MAX_STEM = 60
"""Characters of a file's old name that go into its new one."""


class Fate(StrEnum):
    """What became of a file."""

    NEW = "new"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture file. ``id`` is of the imported picture or of the asset that it is; empty when refused."""

    source: Path
    fate: Fate
    id: str = ""
    tool: str = ""
    unmapped: int = 0
    """Things its metadata says that have no place in a recipe; ``duktus show ID`` names them."""
    why: tuple[str, ...] = ()
    """Why it was refused, or what is damaged or doubtful in it."""


@dataclass
class Imported:
    """The report: every picture file in the order found, and how many other files were passed over."""

    taken: list[Taken] = field(default_factory=list[Taken])
    passed_over: Counter[str] = field(default_factory=Counter[str])
    """Files that are no pictures, by the ending of their names."""

    def with_fate(self, fate: Fate) -> list[Taken]:
        """The files that met that fate."""
        return [one for one in self.taken if one.fate is fate]

    @property
    def tools(self) -> dict[str, int]:
        """How many pictures of each program are new."""
        return dict(Counter(one.tool or "unknown" for one in self.with_fate(Fate.NEW)).most_common())


def import_pictures(workspace: Workspace, place: Path, *, progress: Progress | None = None) -> Imported:
    """Take a picture file, or every picture below a folder, into the archive.

    Links are not followed. A file that is refused stays where it is and is named with the reason.

    Raises:
        NotFoundError: there is no such file or folder.
    """
    told = progress or Silent()
    if not os.path.lexists(place):
        raise NotFoundError(f"{place} does not exist.", "", "Name a picture or a folder of pictures.")
    if workspace.prepare():
        told.say(f"Made a workspace in {workspace.root}.")
    report = Imported()
    told.say(f"Looking through {place}.")
    found = list(_files(workspace, place, report))
    for done, path in enumerate(found):
        if told.stopped():
            raise KeyboardInterrupt
        told.tick(Tick("files", done, len(found)))
        taken = _take(workspace, place, path)
        if taken is None:
            report.passed_over[path.suffix.lower() or "without ending"] += 1
        else:
            report.taken.append(taken)
    told.tick(Tick("files", len(found), len(found)))
    return report


def _files(workspace: Workspace, place: Path, report: Imported) -> Iterator[Path]:
    """Every file below a place in the order of names, without the workspace's own store."""
    if not place.is_dir():
        yield place
        return
    own = {(workspace.root / name).resolve() for name in ("archive", "pictures", "runs")}

    def unreadable(error: OSError) -> None:
        report.taken.append(
            Taken(
                Path(error.filename or place),
                Fate.REFUSED,
                why=(f"The folder cannot be read: {error.strerror}.",),
            )
        )

    for folder, below, names in os.walk(place, onerror=unreadable, followlinks=False):
        here = Path(folder)
        linked = [name for name in below if (here / name).is_symlink()]
        for name in linked:
            report.taken.append(
                Taken(here / name, Fate.REFUSED, why=("It is a link; links are not followed.",))
            )
        below[:] = sorted(name for name in below if name not in linked and (here / name).resolve() not in own)
        yield from (here / name for name in sorted(names))


def _take(workspace: Workspace, place: Path, path: Path) -> Taken | None:
    """Take one file in; ``None`` when it is no picture and does not claim to be one."""
    promised = path.suffix.lower() in PICTURE_SUFFIXES or path == place
    try:
        if path.is_symlink() and path != place:
            return (
                Taken(path, Fate.REFUSED, why=("It is a link; links are not followed.",))
                if promised
                else None
            )
        if not promised and not _begins_as_picture(path):
            return None
        data = read_file(path)
        with disk_explained(workspace.root):
            return _known(workspace, path, data) or _keep(workspace, path, data)
    except PictureError as error:
        why = " ".join(part for part in (error.what, error.why) if part)
        return Taken(path, Fate.REFUSED, why=(why,))


def _begins_as_picture(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return is_picture(file.read(64))
    except OSError:
        return False


def _known(workspace: Workspace, path: Path, data: bytes) -> Taken | None:
    file_hash = sha256_hex(data)
    with workspace.archive.read() as connection:
        asset = assets.by_file_hash(connection, file_hash)
        picture = foreign.by_file_hash(connection, file_hash)
    if asset is not None:
        return Taken(path, Fate.KNOWN, asset.id, "duktus")
    if picture is None:
        return None
    workspace.store.put(data)  # mends a file that was lost from the store
    with workspace.archive.write() as connection:
        foreign.add_source(connection, file_hash, _said(path))
    return Taken(path, Fate.KNOWN, picture.id, _tool(picture), why=picture.notes)


def _keep(workspace: Workspace, path: Path, data: bytes) -> Taken:
    pixels = decode(data, contents_of(data, path.name), path.name)
    found = explain(data, path.name, sidecar_of(path))
    file_hash = workspace.store.put(data)
    picture_id = short_id("f", file_hash)
    ending = {"PNG": ".png", "JPEG": ".jpg", "WebP": ".webp", "AVIF": ".avif"}[found.container]
    named = workspace.root / "pictures" / FOLDER / f"{slug(path.stem)[:MAX_STEM]}-{picture_id}{ending}"
    workspace.store.name(file_hash, named)
    picture = ForeignPicture(
        id=picture_id,
        file_hash=file_hash,
        pixel_hash=pixel_hash(pixels),
        path=workspace.relative(named),
        source=_said(path),
        container=found.container,
        width=pixels.shape[1],
        height=pixels.shape[0],
        recipe=found.recipe,
        foreign=found.foreign,
        notes=(*found.damage, *found.notes),
        created=now(),
    )
    with workspace.archive.write() as connection:
        foreign.add(connection, picture)
    return Taken(path, Fate.NEW, picture.id, _tool(picture), _unmapped(found), picture.notes)


def _said(path: Path) -> str:
    """A path as text that can be stored, whatever bytes its name has."""
    return str(path.absolute()).encode("utf-8", "backslashreplace").decode()


def _tool(picture: ForeignPicture) -> str:
    if picture.recipe is not None:
        return "duktus"
    return picture.foreign.tool.value if picture.foreign else ""


def _unmapped(found: Explained) -> int:
    return len(found.foreign.unmapped) if found.foreign else 0
