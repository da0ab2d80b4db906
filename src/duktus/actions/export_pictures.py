"""`duktus export`: copies of pictures for elsewhere, in another format or without their prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from duktus.actions.looking import named_picture
from duktus.actions.workspace import Workspace
from duktus.archive.disk import explained
from duktus.archive.store import copy_out, write_whole
from duktus.domain.asset import PictureFormat
from duktus.domain.errors import ConflictError, InputError
from duktus.domain.recipe import Recipe
from duktus.rendering.files import read_pixels
from duktus.rendering.formats import encode_copy

ENDINGS = {
    ".png": PictureFormat.PNG,
    ".webp": PictureFormat.WEBP,
    ".avif": PictureFormat.AVIF,
    ".jpg": PictureFormat.JPEG,
    ".jpeg": PictureFormat.JPEG,
}


def export_pictures(
    workspace: Workspace,
    names: Sequence[str],
    out: Path,
    *,
    kind: PictureFormat | None = None,
    strip: bool = False,
) -> tuple[Path, ...]:
    """Copy pictures (ids or files) to the folder ``out``, or one to the file ``out``; where they lie.

    The master stays in the archive. ``kind`` is the format (default: what ``out`` ends in, else PNG);
    ``strip`` leaves prompt and recipe out and keeps the mark of AI-made pictures.

    Raises:
        ConflictError: a file is there already; nothing was written.
    """
    chosen = picture_format(out, kind, len(names))
    found = [named_picture(workspace, name) for name in names]
    targets = [
        copy_target(out, one.path if one.asset is None else Path(one.asset.path), chosen) for one in found
    ]
    taken = [target for target in targets if target.exists()]
    if taken or len(set(targets)) < len(targets):
        raise ConflictError(
            f"{(taken or targets)[0]} would be written twice."
            if not taken
            else f"{taken[0]} exists already.",
            "An export never overwrites a file.",
            "Choose another place with --out.",
        )
    for one, target in zip(found, targets, strict=True):
        with explained(target):
            write_copy(one.path, one.recipe, target, chosen, strip=strip)
    return tuple(targets)


def write_copy(
    master: Path, recipe: Recipe, target: Path, kind: PictureFormat, *, strip: bool = False
) -> None:
    """Write one copy; a PNG that keeps its recipe is the master byte for byte."""
    if kind is PictureFormat.PNG and not strip:
        copy_out(master, target)
    else:
        write_whole(target, encode_copy(read_pixels(master), recipe, kind, strip=strip))


def picture_format(out: Path | None, kind: PictureFormat | None, pictures: int) -> PictureFormat:
    """The format that ``out`` and ``--format`` ask for; :class:`InputError` when they do not fit."""
    if out is None:
        if kind not in {None, PictureFormat.PNG}:
            raise InputError(
                f"--format {kind} needs a place for the copies.",
                "The archive keeps PNG, which holds every bit; other formats are copies.",
                "Say where with --out FOLDER.",
            )
        return PictureFormat.PNG
    ending = "" if out.is_dir() else out.suffix.lower()
    if ending and ending not in ENDINGS:
        raise InputError(
            f"{out} does not end in {', '.join(ENDINGS)}.",
            "The ending says which format is written.",
            "Name a picture file or a folder.",
        )
    if ending and pictures > 1:
        raise InputError(
            f"{out} is one file, but {pictures} pictures are made.", "", "Name a folder with --out instead."
        )
    if ending and kind not in {None, ENDINGS[ending]}:
        raise InputError(
            f"{out} ends in {ending}, but the format is {kind}.", "They contradict each other.", "Drop one."
        )
    return ENDINGS[ending] if ending else kind or PictureFormat.PNG


def copy_target(out: Path, master: Path, kind: PictureFormat) -> Path:
    """Where a copy of a master goes: ``out`` itself, or below it under the master's name."""
    one_file = not out.is_dir() and out.suffix.lower() in ENDINGS
    return out if one_file else out / master.with_suffix(f".{kind.value}").name
