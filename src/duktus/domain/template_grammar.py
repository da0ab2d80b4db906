"""The grammar of templates: from a text to its parts (:mod:`duktus.domain.templates` says what they mean)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from duktus.domain.errors import InputError

MAX_DEPTH = 20
"""Lists within lists, or alternatives within alternatives; more is a list that names itself."""

_WILDCARD = re.compile(r"__(?P<name>[\w*][\w*/. -]*?)\s*(?:\((?P<given>[^()]*)\))?__")
_VARIABLE = re.compile(r"\$\{\s*(?P<name>[A-Za-z_][\w-]*)\s*(?P<sign>[=:}])(?P<now>(?<==)!)?")
_HOW_MANY = re.compile(r"(?P<low>\d+)?(?P<dash>-)?(?P<high>\d+)?\$\$")
_SEPARATOR = re.compile(r"(?P<text>[^${}|]*)\$\$")
_WEIGHT = re.compile(r"\s*(?P<weight>\d+\.?\d*|\.\d+)\s*::")


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Variants:
    """``{red|blue}``: from ``low`` to ``high`` of the options, each with its weight."""

    options: tuple[tuple[float, Template], ...]
    low: int = 1
    high: int | None = 1
    """None: as many as there are."""
    separator: str = ", "


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``__colours__``: a value of a list, perhaps with variables for it."""

    name: str
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """``${c=!{red|blue}}``: a variable, chosen ``now`` or whenever it is used."""

    name: str
    value: Template
    now: bool


@dataclass(frozen=True, slots=True)
class Use:
    """``${c}``: what a variable stands for, or otherwise a template."""

    name: str
    otherwise: Template | None


Part = Text | Variants | Wildcard | Setting | Use


@dataclass(frozen=True, slots=True)
class Template:
    """Parts one after the other."""

    parts: tuple[Part, ...]


class _Reader:
    """Reads a template from left to right; ``place`` is what error messages point at."""

    def __init__(self, text: str) -> None:
        self.text = re.sub(r"(?m)^\s*#.*(?:\n|$)", "", text)
        self.place = 0

    def wrong(self, what: str, next_step: str = "") -> InputError:
        return InputError(
            f"The prompt '{self.text}' cannot be read.",
            f"{what} (at letter {self.place + 1}).",
            next_step or "Mend it, or put a backslash before a mark that is meant as text.",
        )

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.place)
        if match is not None:
            self.place = match.end()
        return match

    def sequence(self, end: str, depth: int = 0) -> Template:
        """Everything up to one of the letters of ``end``, which is left standing."""
        if depth > MAX_DEPTH:
            raise self.wrong(f"Alternatives are nested more than {MAX_DEPTH} deep")
        parts: list[Part] = []
        plain: list[str] = []
        while self.place < len(self.text):
            letter = self.text[self.place]
            if letter in end:
                break
            if letter == "}":
                raise self.wrong("'}' closes nothing")
            part = self.part(depth)
            if part is None:
                if letter == "\\" and self.text[self.place + 1 : self.place + 2] in tuple("{}|$_#"):
                    self.place += 1
                plain.append(self.text[self.place])
                self.place += 1
                continue
            if plain:
                parts.append(Text("".join(plain)))
                plain = []
            parts.append(part)
        if plain:
            parts.append(Text("".join(plain)))
        return Template(tuple(parts))

    def part(self, depth: int) -> Part | None:
        if self.text.startswith("${", self.place):
            return self.variable(depth)
        if self.text[self.place] == "{":
            return self.variants(depth)
        wildcard = self.take(_WILDCARD)
        return None if wildcard is None else Wildcard(wildcard["name"].strip(), self.given(wildcard["given"]))

    def given(self, text: str | None) -> tuple[tuple[str, str], ...]:
        pairs = [piece.partition("=") for piece in (text or "").split(",") if piece.strip()]
        if any(not equals for _, equals, _ in pairs):
            raise self.wrong(f"'{text}' is not of the form name=value")
        return tuple((name.strip(), value.strip()) for name, _, value in pairs)

    def variable(self, depth: int) -> Part:
        begun = self.take(_VARIABLE)
        if begun is None:
            raise self.wrong("'${' is not followed by a name and '}', '=' or ':'")
        if begun["sign"] == "}":
            return Use(begun["name"], None)
        value = self.sequence("}", depth + 1)
        self.close("${")
        if begun["sign"] == ":":
            return Use(begun["name"], value)
        return Setting(begun["name"], value, now=begun["now"] is not None)

    def variants(self, depth: int) -> Part:
        self.place += 1
        if self.text[self.place : self.place + 1] in {"~", "!", "@"}:
            raise self.wrong(f"'{self.text[self.place]}' after '{{' asks for a sampler, and there are none")
        low, high, separator = self.how_many()
        options: list[tuple[float, Template]] = []
        while True:
            weight = self.take(_WEIGHT)
            options.append((float(weight["weight"]) if weight else 1.0, self.sequence("|}", depth + 1)))
            if self.text[self.place : self.place + 1] != "|":
                break
            self.place += 1
        self.close("{")
        if not any(weight for weight, _ in options):
            raise self.wrong("Every alternative has the weight 0")
        return Variants(tuple(option for option in options if option[0]), low, high, separator)

    def how_many(self) -> tuple[int, int | None, str]:
        begun = _HOW_MANY.match(self.text, self.place)
        if begun is None or not (begun["low"] or begun["high"]):
            return 1, 1, ", "
        self.place = begun.end()
        low = int(begun["low"] or 1)
        high = int(begun["high"]) if begun["high"] else (None if begun["dash"] else low)
        if high is not None and high < low:
            raise self.wrong(f"{low}-{high} is no range")
        separator = self.take(_SEPARATOR)
        return low, high, separator["text"] if separator else ", "

    def close(self, begun: str) -> None:
        if self.text[self.place : self.place + 1] != "}":
            raise self.wrong(f"'{begun}' is never closed")
        self.place += 1


def parse(text: str) -> Template:
    """The parts of a template; :class:`InputError` pointing at the letter where it cannot be read."""
    return _Reader(text).sequence("")
