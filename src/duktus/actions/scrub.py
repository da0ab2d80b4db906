"""`duktus scrub`: a picture without its metadata, every pixel as it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from duktus.archive.disk import explained as disk_explained
from duktus.archive.store import write_whole
from duktus.domain.errors import ConflictError, InputError, PictureError
from duktus.rendering.metadata.decode import decode
from duktus.rendering.metadata.explain import Block, bare, contents_of, explain, read_file
from duktus.rendering.metadata.xmp_packet import write_xmp


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The file that was written, what was taken out, and whether the mark of AI-made pictures stayed."""

    path: Path
    removed: tuple[Block, ...]
    bytes_before: int
    bytes_after: int
    marked: bool
    notes: tuple[str, ...]


def scrub(
    picture: Path, out: Path | None = None, *, everything: bool = False, in_place: bool = False
) -> Scrubbed:
    """Write a copy of a picture without texts, prompts, places, camera data and signatures.

    Colours and how it is turned stay. The IPTC mark that says a picture was made by a model stays too when it
    was there (laws and platforms ask for it), unless ``everything``. ``out`` is a file or a folder (default:
    ``NAME-scrubbed`` beside it).

    Raises:
        PictureError: no picture, or one whose pixels are damaged; nothing is written.
        ConflictError: ``out`` exists.
    """
    data = read_file(picture)
    contents = contents_of(data, picture.name)
    pixels = decode(data, contents, picture.name)
    found = explain(data, picture.name)
    mark = write_xmp(found.source_type, software="") if found.source_type and not everything else None
    clean = bare(data, contents, mark)
    target = _target(picture, out, in_place=in_place)
    again = decode(clean, contents_of(clean, picture.name), picture.name)
    left = explain(clean, picture.name)
    if not np.array_equal(pixels, again) or left.recipe or left.foreign or left.signed:
        raise PictureError(
            f"{picture.name} could not be scrubbed without a trace.",
            "What was to be taken out is woven into the file.",
            "Open it in a picture program and save it anew.",
        )
    with disk_explained(target):
        write_whole(target, clean)
    notes = ["Its C2PA signature was taken out too."] if found.signed else []
    if found.source_type and not everything and not left.source_type:
        notes.append("The mark of AI-made pictures did not fit and was lost.")
    return Scrubbed(target, found.blocks, len(data), len(clean), bool(left.source_type), tuple(notes))


def _target(picture: Path, out: Path | None, *, in_place: bool) -> Path:
    if in_place and out is not None:
        raise InputError("Both --out and --in-place were given.", "Only one of them can be.", "Choose one.")
    if in_place:
        return picture
    name = f"{picture.stem}-scrubbed{picture.suffix}"
    target = picture.with_name(name) if out is None else out / name if out.is_dir() else out
    if target.exists():
        raise ConflictError(
            f"{target} exists already.",
            "A scrubbed copy never overwrites a file.",
            "Remove it first, or choose another name with --out.",
        )
    return target
