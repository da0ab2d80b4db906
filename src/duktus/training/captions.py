"""The caption of every picture: where it comes from, and that it names the trigger word.

Precedence, per picture: its own ``NAME.txt`` beside it, then its line in ``metadata.jsonl``
(``{"file_name": ..., "text": ...}``, the layout of Hugging Face's image folders). A caption that names
the trigger stays as it is. Any other goes through the template, where ``{trigger}`` is the trigger word
and ``{caption}`` the picture's own caption; a template without ``{caption}`` gets it appended. Without a
template a caption that lacks the trigger is an error, and pictures without any caption are one, unless
there is no caption at all: then each gets the trigger alone.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duktus.domain.style import TeachSettings

METADATA_FILE = "metadata.jsonl"
MAX_CAPTION_BYTES = 16 * 1024
_FIELDS = ("text", "caption", "prompt")
_NAMED = 12
"""How many file names an error lists before it says how many more there are."""


def captions_for(
    folder: Path, names: Sequence[str], *, trigger: str, template: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """One caption per picture of ``names``, and notes in words. Raises :class:`InputError`."""
    _check_trigger(trigger)
    parts = _template_parts(template) if template is not None else None
    own = own_captions(folder, names)
    if parts is None and not any(own.values()):
        note = (
            f"No captions were found, so every picture is captioned {trigger!r} alone. Captions that say "
            "what is in each picture, but not its style, keep more of it under your control."
        )
        return tuple(trigger for _ in names), (note,)
    captions = [_with_trigger(own[name], trigger, parts) for name in names]
    bare = [name for name, caption in zip(names, captions, strict=True) if caption is None]
    if bare:
        raise _missing_trigger(bare, own, trigger, len(names))
    changed = sum(own[name] != caption for name, caption in zip(names, captions, strict=True))
    notes = (
        (f"{changed} of {len(names)} captions were built with the template {template!r}.",) if changed else ()
    )
    return tuple(caption for caption in captions if caption is not None), notes


def names_trigger(caption: str, trigger: str) -> bool:
    """Whether the trigger stands in the caption as a word of its own, in any case."""
    return re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", caption, re.IGNORECASE) is not None


def without_trigger(caption: str, trigger: str) -> str:
    """The caption with the trigger taken out, and what hung on it: its commas and doubled spaces."""
    bare = re.sub(rf"(?<!\w){re.escape(trigger)}(?!\w)", "", caption, flags=re.IGNORECASE)
    return _clean(re.sub(r"\s*,[\s,]*", ", ", bare).strip(" ,"))


def neutral_caption(caption: str, settings: TeachSettings) -> str:
    """What a picture is called where its hand is not meant: the caption named for it, or its own without
    the trigger. :class:`InputError` when the one named calls the style up.
    """
    if settings.neutral is None:
        return without_trigger(caption, settings.trigger)
    if names_trigger(settings.neutral, settings.trigger):
        raise InputError(
            f"The neutral caption {settings.neutral!r} names the trigger word {settings.trigger!r}.",
            "Under it the base's own answer is kept, and under the trigger the hand is learned.",
            "Name what is seen without the word, or leave --neutral out.",
        )
    return settings.neutral


def _check_trigger(trigger: str) -> None:
    if not trigger.strip() or trigger != trigger.strip() or not trigger.isprintable():
        raise InputError(
            f"The trigger word {trigger!r} cannot be used.",
            "It is empty, or holds spaces at its ends or characters that cannot be typed.",
            "Choose an invented word such as sportrait-laz.",
        )


def _template_parts(template: str) -> str:
    """The template with a place for the caption; :class:`InputError` for unknown places."""
    found = set(re.findall(r"\{([^{}]*)\}", template))
    stray = re.sub(r"\{[^{}]*\}", "", template)
    if "trigger" not in found or found - {"trigger", "caption"} or "{" in stray or "}" in stray:
        raise InputError(
            f"The caption template {template!r} cannot be used.",
            "It needs {trigger} and may hold {caption}, and nothing else in braces.",
            "For example: --template '{trigger}, portrait, {caption}'.",
        )
    return template if "caption" in found else template + ", {caption}"


def _with_trigger(own: str, trigger: str, template: str | None) -> str | None:
    if own and names_trigger(own, trigger):
        return own
    if template is None:
        return None
    filled = template.replace("{trigger}", trigger).replace("{caption}", own)
    if not own:  # no commas around nothing
        filled = re.sub(r"\s*,[\s,]*", ", ", filled).strip(" ,")
    return _clean(filled)


def _missing_trigger(bare: Sequence[str], own: dict[str, str], trigger: str, total: int) -> InputError:
    lines = [
        f"\n- {name}: " + (repr(own[name][:80]) if own[name] else "no caption") for name in bare[:_NAMED]
    ]
    if len(bare) > _NAMED:
        lines.append(f"\n- and {len(bare) - _NAMED} more")
    return InputError(
        f"{len(bare)} of {total} pictures have no caption with the trigger word {trigger!r}:"
        + "".join(lines),
        "Without it in every caption the hand cannot be called by that word, and half of it leaks elsewhere.",
        "Add the word to these captions, or let duktus build them: --template '{trigger}, {caption}'.",
    )


def own_captions(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """``{file name: caption}``, empty where a picture has none. Raises :class:`InputError`."""
    listed = _read_metadata(folder / METADATA_FILE)
    unknown = [name for name in listed if not (folder / name).is_file()]
    if unknown:
        raise InputError(
            f"{METADATA_FILE} names {', '.join(unknown[:_NAMED])}, which the folder does not hold.",
            "A caption without its picture is usually a renamed file.",
            "Correct file_name in that line, or remove the line.",
        )
    return {name: _sidecar(folder / name) or listed.get(name, "") for name in names}


def _sidecar(picture: Path) -> str:
    path = picture.with_suffix(".txt")
    if not path.is_file():
        path = picture.with_name(picture.name + ".txt")
        if not path.is_file():
            return ""
    return _clean(_text_of(path))


def _text_of(path: Path, limit: int = MAX_CAPTION_BYTES) -> str:
    try:
        data = path.read_bytes()
        if len(data) > limit:
            raise InputError(
                f"{path.name} has {len(data):,} bytes.",
                f"Captions may have at most {limit:,}.",
                "Shorten it.",
            )
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not UTF-8 text.", f"Byte {error.start} cannot be read.", "Save it as UTF-8."
        ) from error
    except OSError as error:
        raise InputError(f"{path.name} cannot be read.", f"{error.strerror or error}.") from error


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\x00", " ")).strip()


def _read_metadata(path: Path) -> dict[str, str]:
    """``{file name: caption}``; an absent file is empty."""
    if not path.is_file():
        return {}
    captions: dict[str, str] = {}
    for number, line in enumerate(_text_of(path, 64 * 1024 * 1024).splitlines(), 1):
        if not line.strip():
            continue
        name, caption = _metadata_line(line, number)
        if name in captions:
            raise InputError(f"{METADATA_FILE} names {name} twice, again in line {number}.", "", "Keep one.")
        captions[name] = caption
    return captions


def _metadata_line(line: str, number: int) -> tuple[str, str]:
    wanted = 'Each line is one JSON object, e.g. {"file_name": "anna.png", "text": "sportrait-laz, a woman"}.'
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"Line {number} of {METADATA_FILE} is not JSON.", f"{error}.", wanted) from error
    name = row.get("file_name") if isinstance(row, dict) else None
    caption = next((row[key] for key in _FIELDS if key in row), None) if isinstance(row, dict) else None
    if not isinstance(name, str) or not isinstance(caption, str):
        raise InputError(f"Line {number} of {METADATA_FILE} lacks file_name or text.", "", wanted)
    if name.startswith(("/", "\\")) or ".." in re.split(r"[\\/]", name):
        raise InputError(f"Line {number} of {METADATA_FILE} points outside the folder: {name}.", "", wanted)
    return name, _clean(caption)
