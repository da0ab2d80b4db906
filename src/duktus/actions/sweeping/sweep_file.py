"""Sweep files: a sweep written down to keep, change and share (``portraits.sweep.toml``).

::

    sweep = 1
    name = "portraits"
    prompt = ["sportrait-laz, a {smiling|serious} woman"]
    negative = ["blurry"]
    styles = ["sportrait-laz"]
    replace = [["woman", "man"]]
    zip = [["strength", "cfg"]]
    skip = ["strength=0, seed=2"]

    [axes]
    strength = "1.2..1.33/5"
    cfg = [3.8, 4.0, 4.2, 4.4, 4.6]
    seed = "1..2"

    [wildcards]
    hair = ["red hair", "grey hair"]

    [beginning]
    image = "photo.png"
    mask = ["circle:64,40,20"]

Every key but ``sweep`` and ``prompt`` may be missing. Axes take what the options of ``duktus sweep`` take, or
TOML lists, and ``[beginning]`` what the options of the same names take. An unknown key is refused with the
nearest known one and its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from duktus.actions.beginnings.beginning_asked import NAMES, Beginning
from duktus.actions.recipes.beginning_axes import AXES as BEGINNING_AXES
from duktus.actions.recipes.beginning_axes import TEXT_STRENGTH_OF
from duktus.actions.recipes.request import Request
from duktus.archive.disk import explained
from duktus.archive.store import write_whole
from duktus.domain import axes
from duktus.domain.errors import InputError

ENDING = ".sweep.toml"
VERSION = 1
LARGEST = 4 << 20
STRENGTH_OF = "strength of "

_KEYS = (
    "sweep", "name", "prompt", "negative", "styles", "base", "replace", "zip", "skip", "draw",
    "wildcard_seed", "axes", "wildcards", "beginning",
)  # fmt: skip
_NUMBERS = {"strength": "strengths", "cfg": "cfgs", "guidance": "guidances", **BEGINNING_AXES}
_WHOLE = {"steps": "steps", "clip_skip": "clip_skips", "seed": "seeds"}
_AXES = (
    *_NUMBERS, *_WHOLE, "sampler", "schedule", "size", f"{STRENGTH_OF}NAME", f"{TEXT_STRENGTH_OF}NAME",
)  # fmt: skip
_BY_STYLE = {STRENGTH_OF: "style_strengths", TEXT_STRENGTH_OF: "style_text_strengths"}


@dataclass(frozen=True, slots=True)
class SweepFile:
    """What a sweep file says. ``name`` is the series it makes; None leaves it to the command."""

    request: Request
    name: str | None


def read(path: Path) -> SweepFile:
    """The sweep written in the file; :class:`InputError` naming the line of whatever is wrong."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} is larger than {LARGEST >> 20} MB.", "", "Is it a sweep file?")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(
            f"There is no file {path}.", "", "duktus sweep ... --save FILE writes one."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text.", "It is not UTF-8.", "Write it again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read.", f"{error.strerror}.", "Check its permissions.") from error
    return parse(text, str(path))


def write(path: Path, request: Request, name: str | None) -> Path:
    """Keep a sweep as a file; an existing one is replaced."""
    if not path.name.endswith(ENDING):
        raise InputError(
            f"{path.name} does not end in {ENDING}.",
            "The ending says what the file is.",
            f"Write for instance --save {path.name.split('.')[0]}{ENDING}.",
        )
    with explained(path):
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, written(request, name).encode())
    return path


def parse(text: str, where: str) -> SweepFile:
    """The sweep in the text of a sweep file; ``where`` names it in errors."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not valid TOML.", f"{error}.", "Correct that line.") from error
    return _Reader(text, where).sweep(values)


class _Reader:
    """Turns TOML values into a request; knows where each key stands."""

    def __init__(self, text: str, where: str) -> None:
        self._lines = text.splitlines()
        self._where = where

    def sweep(self, values: Mapping[str, Any]) -> SweepFile:
        for key in values:
            if key not in _KEYS:
                raise self.unknown(key, _KEYS)
        if values.get("sweep") != VERSION:
            raise self.wrong(
                "sweep", f"says version {values.get('sweep')!r}", f"this duktus reads version {VERSION}"
            )
        if "prompt" not in values:
            raise self.wrong("prompt", "is missing", "a sweep needs something to draw")
        request = Request(
            prompts=self.texts("prompt", values["prompt"]),
            styles=tuple(
                self.tried("styles", axes.style_strength, one)
                for one in self.texts("styles", values.get("styles", []))
            ),
            text_strengths=tuple(
                filter(
                    None,
                    (
                        self.tried("styles", axes.style_text_strength, one)
                        for one in self.texts("styles", values.get("styles", []))
                    ),
                )
            ),
            negatives=self.texts("negative", values.get("negative", [])),
            bases=self.texts("base", values.get("base", [])),
            replacements=self.rows("replace", values.get("replace", [])),
            zipped=self.rows("zip", values.get("zip", [])),
            skipped=tuple(
                self.tried("skip", lambda text: axes.pairs("skip", text), one)
                for one in self.texts("skip", values.get("skip", []))
            ),
            draw=self.whole("draw", values.get("draw"), least=1),
            wildcard_seed=self.whole("wildcard_seed", values.get("wildcard_seed", 1), least=0) or 0,
            lists=tuple(
                (name, self.texts(name, found))
                for name, found in self.table("wildcards", values.get("wildcards", {})).items()
            ),
            beginning=self.beginning(self.table("beginning", values.get("beginning", {}))),
            **self.axes(self.table("axes", values.get("axes", {}))),
        )
        name = values.get("name")
        if name is not None and not isinstance(name, str):
            raise self.wrong("name", f"is {name!r}", "a name is a text")
        return SweepFile(request, name)

    def axes(self, table: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        by_style: dict[str, list[tuple[str, tuple[float, ...]]]] = {key: [] for key in _BY_STYLE}
        for name, value in table.items():
            if name in _NUMBERS:
                found[_NUMBERS[name]] = self.numbers(name, value)
            elif name in _WHOLE:
                found[_WHOLE[name]] = tuple(int(one) for one in self.numbers(name, value, whole=True))
            elif name == "sampler":
                found["samplers"] = tuple(self.tried(name, axes.samplers, self.texts(name, value)))
            elif name == "schedule":
                found["schedules"] = tuple(self.tried(name, axes.schedules, self.texts(name, value)))
            elif name == "size":
                found["sizes"] = tuple(self.tried(name, axes.sizes, ",".join(self.texts(name, value))))
            elif key := next((key for key in _BY_STYLE if name.startswith(key)), None):
                by_style[key].append((name.removeprefix(key), self.numbers(name, value)))
            else:
                raise self.unknown(name, _AXES)
        return found | {_BY_STYLE[key]: tuple(values) for key, values in by_style.items()}

    def beginning(self, table: Mapping[str, Any]) -> Beginning:
        found: dict[str, Any] = {}
        for name, value in table.items():
            if name not in NAMES:
                raise self.unknown(name, NAMES)
            if name in {"mask", "controls", "references"}:
                found[name] = self.texts(name, value)
            elif name in {"mask_inverted", "controls_ready", "draft"}:
                found[name] = self.of_kind(name, value, bool, "true or false")
            elif name in {"denoise", "variation_strength", "hires_denoise", "refine_at"}:
                (found[name],) = self.numbers(name, value)[:1]
            elif name in {"mask_feather", "variation_seed", "hires_steps"}:
                found[name] = self.whole(name, value, least=0)
            else:
                found[name] = self.of_kind(name, value, str, "a text")
        return Beginning(**found)

    def of_kind(self, key: str, value: Any, kind: type, words: str) -> Any:
        if not isinstance(value, kind):
            raise self.wrong(key, f"is {value!r}", f"it takes {words}")
        return value

    def numbers(self, key: str, value: Any, *, whole: bool = False) -> tuple[float, ...]:
        given = value if isinstance(value, list) else [value]
        if not all(isinstance(one, (int, float, str)) and not isinstance(one, bool) for one in given):
            raise self.wrong(key, f"is {value!r}", "it takes numbers, or a text such as '0..1/5'")
        text = ",".join(str(one) for one in given)
        return tuple(self.tried(key, lambda given: axes.numbers(key, given, whole=whole), text))

    def texts(self, key: str, value: Any) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise self.wrong(key, f"is {value!r}", "it takes a text, or a list of texts")
        return tuple(dict.fromkeys(given))

    def rows(self, key: str, value: Any) -> tuple[tuple[str, ...], ...]:
        if not isinstance(value, list) or not all(isinstance(row, list) and len(row) > 1 for row in value):
            raise self.wrong(key, f"is {value!r}", "it takes lists of two or more texts, in a list")
        return tuple(self.texts(key, row) for row in value)

    def table(self, key: str, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(key, f"is {value!r}", f"it is a table: [{key}]")
        return value

    def whole(self, key: str, value: Any, *, least: int) -> int | None:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise self.wrong(key, f"is {value!r}", f"it takes a whole number from {least}")
        return value

    def tried(self, key: str, convert: Any, value: Any) -> Any:
        """What ``convert`` makes of a value; its error with the place of the key."""
        try:
            return convert(value)
        except InputError as error:
            raise InputError(f"{self.at(key)}: {error.what}", error.why, error.next_step) from error

    def at(self, key: str) -> str:
        """Where a key stands: the file, the line where it can be found, the key."""
        begin = re.compile(rf"""^\s*\[?\s*["']?{re.escape(key)}["']?\s*[=\]]""")
        line = next((number for number, text in enumerate(self._lines, start=1) if begin.match(text)), None)
        return f"{self._where}, line {line}, {key}" if line else f"{self._where}, {key}"

    def wrong(self, key: str, what: str, why: str) -> InputError:
        return InputError(f"{self.at(key)} {what}.", f"{why[0].upper()}{why[1:]}.", "Correct it.")

    def unknown(self, key: str, known: Sequence[str]) -> InputError:
        near = get_close_matches(key, known, 1, cutoff=0.5)
        return InputError(
            f"{self.at(key)}: a sweep file has no such key here.",
            f"Known: {', '.join(known)}.",
            f"Did you mean '{near[0]}'?" if near else "Remove it.",
        )


def written(request: Request, name: str | None = None) -> str:
    """The text of a sweep file that asks for exactly this."""
    lines = ["# A sweep of duktus: duktus sweep --file FILE", f"sweep = {VERSION}"]
    if name is not None:
        lines.append(f"name = {_toml(name)}")
    tops: dict[str, Any] = {
        "prompt": list(request.prompts),
        "negative": list(request.negatives),
        "styles": [_style(request, style, strength) for style, strength in request.styles],
        "base": list(request.bases),
        "replace": [list(row) for row in request.replacements],
        "zip": [list(row) for row in request.zipped],
        "skip": [", ".join(f"{axis}={value}" for axis, value in one) for one in request.skipped],
    }
    lines += [f"{key} = {_toml(value)}" for key, value in tops.items() if value]
    if request.draw is not None:
        lines += [f"draw = {request.draw}", f"wildcard_seed = {request.wildcard_seed}"]
    over: dict[str, Any] = {
        "strength": list(request.strengths),
        **{
            f"{key}{style}": list(values)
            for key, name in _BY_STYLE.items()
            for style, values in getattr(request, name)
        },
        "cfg": list(request.cfgs),
        "guidance": list(request.guidances),
        "sampler": [one.value for one in request.samplers],
        "schedule": [one.value for one in request.schedules],
        "steps": list(request.steps),
        "clip_skip": list(request.clip_skips),
        "size": [f"{width}x{height}" for width, height in request.sizes],
        "seed": list(request.seeds),
        **{name: list(getattr(request, field)) for name, field in BEGINNING_AXES.items()},
    }
    lines += ["", "[axes]", *(f"{_key(key)} = {_toml(value)}" for key, value in over.items() if value)]
    if request.lists:
        lines += [
            "",
            "[wildcards]",
            *(f"{_key(key)} = {_toml(list(values))}" for key, values in request.lists),
        ]
    plain = Beginning()
    begins = {
        name: value for name in NAMES if (value := getattr(request.beginning, name)) != getattr(plain, name)
    }
    if begins:
        lines += ["", "[beginning]", *(f"{name} = {_toml(value)}" for name, value in begins.items())]
    return "\n".join([*lines, ""])


def _style(request: Request, style: str, strength: float) -> str:
    text = dict(request.text_strengths).get(style)
    return f"{style}:{_number(strength)}" + ("" if text is None else f":{_number(text)}")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, str):
        plain = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", plain) + '"'
    return _number(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
