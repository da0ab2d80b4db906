"""What a picture file says of its making, in the order of how far it can be believed.

Our own recipe first, then InvokeAI's chunk, then `parameters` (SwarmUI, Fooocus or A1111), then ComfyUI's
graph. Where a PNG holds `parameters` and an EXIF comment that disagree, both are named: A1111 takes the
comment, others take `parameters`.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from duktus.domain.errors import PictureError
from duktus.domain.foreign import ForeignRecipe, Tool
from duktus.domain.recipe import Recipe
from duktus.rendering.metadata.a1111 import read_a1111
from duktus.rendering.metadata.avif_blocks import bare_avif, is_avif, read_avif
from duktus.rendering.metadata.blocks import MAX_FILE, Contents, Text
from duktus.rendering.metadata.comfyui import read_comfyui
from duktus.rendering.metadata.fooocus import SCHEMES, read_fooocus
from duktus.rendering.metadata.invokeai import read_invokeai
from duktus.rendering.metadata.jpeg_blocks import SIGNATURE as JPEG
from duktus.rendering.metadata.jpeg_blocks import bare_jpeg, read_jpeg
from duktus.rendering.metadata.png_blocks import SIGNATURE as PNG
from duktus.rendering.metadata.png_blocks import bare_png, read_png
from duktus.rendering.metadata.swarmui import read_swarmui
from duktus.rendering.metadata.webp_blocks import bare_webp, is_webp, read_webp
from duktus.rendering.metadata.xmp_packet import read_xmp

OURS = "duktus"
MAX_RECIPE = 1_000_000
"""Characters of a recipe's JSON."""
_COMMENTS = ("UserComment", "ImageDescription", "comment")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of metadata: where it stands, what it is called, how long it is in characters."""

    place: str
    key: str
    length: int


@dataclass(frozen=True, slots=True)
class Explained:
    """A picture file explained. ``recipe`` is ours, ``foreign`` another program's; both may be missing."""

    container: str
    width: int
    height: int
    size: int
    """Bytes of the file."""
    blocks: tuple[Block, ...]
    recipe: Recipe | None
    foreign: ForeignRecipe | None
    others: tuple[str, ...]
    """Further descriptions in the file, by program, that were not used because a better one is there."""
    source_type: str
    """The IPTC mark, e.g. ``trainedAlgorithmicMedia``; empty when there is none."""
    signed: bool
    damage: tuple[str, ...]
    """What is damaged, cut off, too large or contradictory, in words."""
    notes: tuple[str, ...]
    """What else a person should know."""


def read_file(path: Path) -> bytes:
    """The bytes of a picture file within the limit; :class:`PictureError` says why not."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe or device would be waited for without end
            raise PictureError(f"{path} is not a file.", "Only files are read.", "Name a picture file.")
        size = about.st_size
        if size > MAX_FILE:
            raise PictureError(f"{path.name} has {size:,} bytes.", f"At most {MAX_FILE:,} are read.")
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(
            f"{path} cannot be read.", f"{error.strerror}.", "Check its permissions."
        ) from error
    if not data:
        raise PictureError(
            f"{path.name} is empty.", "It has no bytes.", "Take it from where it came from again."
        )
    return data


def is_picture(data: bytes) -> bool:
    """Whether the first bytes are those of a format that is read."""
    return data.startswith((PNG, JPEG)) or is_webp(data) or is_avif(data)


def contents_of(data: bytes, name: str) -> Contents:
    """A file taken apart by its first bytes, whatever its name; :class:`PictureError` for other kinds."""
    if data.startswith(PNG):
        return read_png(data)
    if data.startswith(JPEG):
        return read_jpeg(data)
    if is_webp(data):
        return read_webp(data)
    if is_avif(data):
        return read_avif(data)
    raise PictureError(
        f"{name} is no picture that duktus reads.",
        f"It begins with {data[:8].hex(' ')}.",
        "Pictures are read as PNG, JPEG, WebP or AVIF.",
    )


def bare(data: bytes, contents: Contents, xmp: bytes | None = None) -> bytes:
    """The same picture without metadata, its compressed pixels untouched; with ``xmp`` when given."""
    take: dict[str, Callable[[bytes, bytes | None], bytes]] = {
        "PNG": bare_png,
        "JPEG": bare_jpeg,
        "WebP": bare_webp,
        "AVIF": bare_avif,
    }
    return take[contents.container](data, xmp)


def explain(data: bytes, name: str, sidecar: str | None = None) -> Explained:
    """Everything a file says of its making; ``sidecar`` is the text of a ``.txt`` file beside it.

    Raises:
        PictureError: it is no picture that we read. Damage inside one becomes a note.
    """
    contents = contents_of(data, name)
    damage = contents.notes
    notes: list[str] = []
    xmp = read_xmp(contents.xmp) if contents.xmp is not None else None
    if xmp is not None and xmp.damaged:
        damage.append(f"The XMP packet could not be read: {xmp.damaged}")
    if contents.signed:
        notes.append("It carries a C2PA manifest; changing the file in any way breaks that signature.")
    recipe = _recipe(contents, xmp.recipe if xmp else "", damage)
    found = _foreign(contents, notes, damage, sidecar)
    best = None if recipe is not None else next(iter(found), None)
    rest = found if recipe is not None else found[1:]
    blocks = [Block(text.place, text.key, len(text.text)) for text in contents.texts]
    if contents.xmp is not None:
        blocks.append(Block(f"{contents.container} XMP", "xmp", len(contents.xmp)))
    return Explained(
        container=contents.container,
        width=contents.width,
        height=contents.height,
        size=len(data),
        blocks=tuple(blocks),
        recipe=recipe,
        foreign=best,
        others=tuple(dict.fromkeys(one.tool.value for one in rest if one.tool is not Tool.DUKTUS)),
        source_type=xmp.source_type if xmp else "",
        signed=contents.signed,
        damage=tuple(damage),
        notes=tuple(notes),
    )


def _recipe(contents: Contents, from_xmp: str, damage: list[str]) -> Recipe | None:
    chunk = contents.first(OURS)
    text = chunk.text if chunk is not None else from_xmp
    if not text:
        return None
    if len(text) > MAX_RECIPE:
        damage.append(f"It carries a damaged recipe of {len(text):,} characters. That is no recipe.")
        return None
    try:
        return Recipe.model_validate_json(text)
    except (ValidationError, ValueError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        why = (
            f"{'.'.join(str(part) for part in first['loc'])} {first['msg']}".strip() if first else str(error)
        )
        damage.append(f"It carries a damaged recipe: {why}.")
        return None


def _foreign(
    contents: Contents, notes: list[str], damage: list[str], sidecar: str | None
) -> list[ForeignRecipe]:
    found: list[ForeignRecipe | None] = [
        _read(contents.first("invokeai_metadata"), read_invokeai, "InvokeAI", damage),
        *_parameters(contents, notes, damage),
        _read(_graph(contents), read_comfyui, "ComfyUI", damage),
    ]
    if not any(found) and sidecar is not None:
        found.append(beside := read_a1111(sidecar))
        if beside is not None:
            notes.append(
                "The settings were read from the text file beside it; the picture itself holds none."
            )
    return [one for one in found if one is not None]


def _read(
    text: Text | None, reader: Callable[[str], ForeignRecipe | None], tool: str, damage: list[str]
) -> ForeignRecipe | None:
    if text is None:
        return None
    recipe = reader(text.text)
    if recipe is None:
        damage.append(f"{text.place} '{text.key}' should hold {tool} settings, but they are damaged.")
    return recipe


def _graph(contents: Contents) -> Text | None:
    """ComfyUI's graph: a PNG text, or in EXIF (WebP) ``prompt:{...}`` in one of the camera's tags."""
    plain = contents.first("prompt")
    if plain is not None:
        return plain
    for text in contents.texts:
        if text.place == "EXIF" and text.text.startswith("prompt:"):
            return Text(text.place, text.key, text.text.removeprefix("prompt:"))
    return None


def _parameters(contents: Contents, notes: list[str], damage: list[str]) -> list[ForeignRecipe | None]:
    plain = contents.first("parameters")
    comment = next((text for key in _COMMENTS if (text := contents.first(key)) is not None), None)
    scheme = contents.first("fooocus_scheme") or contents.first("MakerNote")
    found = [
        _one_of_four(text, scheme.text.strip() if scheme else "", damage, sure=text is plain)
        for text in (plain, comment)
        if text is not None
    ]
    if len(found) == 2 and None not in found:
        if found[0] == found[1]:
            return found[:1]
        notes.append(
            "Its `parameters` and its EXIF comment disagree; `parameters` was taken, A1111 takes the comment."
        )
    return found


def _one_of_four(text: Text, scheme: str, damage: list[str], *, sure: bool) -> ForeignRecipe | None:
    """SwarmUI, Fooocus or A1111: JSON begins with a brace. ``sure``: its name promises settings."""
    if scheme in SCHEMES:
        recipe = read_fooocus(text.text, scheme)
    elif text.text.lstrip().startswith("{"):
        recipe = read_swarmui(text.text) or read_fooocus(text.text, "fooocus")
    else:
        recipe = read_a1111(text.text)
    if recipe is None and sure:
        damage.append(f"{text.place} 'parameters' holds no settings that could be read.")
    return recipe
