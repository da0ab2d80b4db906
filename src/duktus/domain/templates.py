"""Prompts with alternatives, in the grammar of Dynamic Prompts.

::

    {red|blue} hair                 one of them
    {3::red|1::blue} hair           red three times as often, when drawn
    {2$$red|blue|grey}              two of them, separated by a comma: red, blue
    {1-2$$ and $$red|blue|grey}     one or two of them, with another separator
    __colours__   __hair/*__        one value of a list of the workspace; * for any name
    ${c=!{red|blue}} ${c} and ${c}  chosen once, used twice; without the ! chosen each time
    ${c:red}                        with a value for when nothing was chosen
    __portrait(who=a man)__         a list whose values use ${who}

A line that begins with ``#`` is left out, line breaks become spaces. A backslash before ``{ } | $ _ #`` makes
it plain text. The grammar: github.com/adieyal/sd-dynamic-prompts, docs/SYNTAX.md; its samplers (``~ ! @``
before a variant), which that document leaves open, are refused.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import permutations

from duktus.domain.errors import InputError
from duktus.domain.template_grammar import (
    MAX_DEPTH,
    Part,
    Setting,
    Template,
    Text,
    Use,
    Variants,
    Wildcard,
    parse,
)

MAX_PROMPTS = 1000
_TRIES = 50
"""So many times as many prompts are drawn as are wanted, before a template is believed to make no more."""
Wildcards = Mapping[str, Sequence[str]]
"""The values of every list by its name, e.g. ``hair/short``; a value may be a template itself."""

_MARKS = re.compile(r"\{|\}|__[^_\s]|\\[{}|$_#]|^\s*#|\n", re.MULTILINE)


def is_template(text: str) -> bool:
    """Whether the text has anything to choose from, or marks to take out."""
    return _MARKS.search(text) is not None


def literal(text: str) -> str:
    """The template that stands for exactly this text."""
    return re.sub(r"([{}|]|\$(?=\{)|_(?=_)|^#)", r"\\\1", text) if is_template(text) else text


def every(text: str, wildcards: Wildcards) -> list[str]:
    """Every prompt that the template can become, in the order written, repeats removed.

    :class:`InputError` for a mistake in the template, an unknown list, or more than 1000 prompts.
    """
    prompts: dict[str, None] = {}
    for number, (prompt, _) in enumerate(_every(parse(text), _Scope(wildcards))):
        prompts[_tidy(prompt)] = None
        if len(prompts) > MAX_PROMPTS or number > 100 * MAX_PROMPTS:
            break
    else:
        return list(prompts)
    raise InputError(
        f"'{text}' makes more than {MAX_PROMPTS} prompts.",
        "Each of them would be rendered.",
        "Draw some of them instead: --draw 20 --wildcard-seed 1.",
    )


def draw(text: str, wildcards: Wildcards, count: int, seed: int) -> list[str]:
    """``count`` different prompts drawn from the template, fewer where it makes no more; the first ones stay
    the same when more are drawn with the same seed.
    """
    template = parse(text)
    drawn: dict[str, None] = {}
    for number in range(_TRIES * count):
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        # Of Python's generator only random() is promised to stay the same.
        chance = random.Random(int.from_bytes(digest[:8])).random  # noqa: S311 - choices, no secrets
        drawn[_tidy(_one(template, _Scope(wildcards), chance))] = None
        if len(drawn) == count:
            break
    return list(drawn)


def _tidy(prompt: str) -> str:
    return re.sub(r"\s*\n\s*", " ", prompt).strip()


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is known at one place of a prompt: the lists, and what variables stand for."""

    wildcards: Wildcards
    variables: Mapping[str, str | Template] = field(default_factory=dict[str, "str | Template"])
    depth: int = 0

    def having(self, name: str, value: str | Template) -> _Scope:
        return _Scope(self.wildcards, {**self.variables, name: value}, self.depth)

    def inside(self, wildcard: Wildcard) -> _Scope:
        if self.depth >= MAX_DEPTH:
            raise InputError(
                f"The list '{wildcard.name}' leads to itself.",
                f"Lists name each other more than {MAX_DEPTH} deep.",
                "Take the name out of one of them.",
            )
        return _Scope(self.wildcards, {**self.variables, **dict(wildcard.given)}, self.depth + 1)

    def values(self, name: str) -> list[Template]:
        """What the list of that name holds; several lists when the name has a ``*``."""
        fitting = [known for known in sorted(self.wildcards) if fnmatchcase(known, name)]
        values = dict.fromkeys(value for known in fitting for value in self.wildcards[known])
        if not values:
            near = get_close_matches(name, self.wildcards, 1)
            known = (
                f"Known: {', '.join(sorted(self.wildcards))}."
                if self.wildcards
                else "There are no lists yet."
            )
            raise InputError(
                f"There is no list '{name}' to choose from."
                if not fitting
                else f"The list '{name}' is empty.",
                known,
                f"Did you mean '__{near[0]}__'?"
                if near
                else f"Write its values, one a line, into wildcards/{name.replace('*', 'all')}.txt.",
            )
        return [parse(value) for value in values]

    def used(self, part: Use) -> str | Template:
        value = self.variables.get(part.name, part.otherwise)
        if value is None:
            raise InputError(
                f"The prompt uses '${{{part.name}}}', which was never set.",
                "",
                f"Set it before: ${{{part.name}=a value}}, or give a value for when it is not: "
                f"${{{part.name}:a value}}.",
            )
        return value


def _options(part: Variants, scope: _Scope) -> list[tuple[float, Template]]:
    """The alternatives; ``{2$$__colours__}`` chooses among the values of the list."""
    if len(part.options) == 1 and len(part.options[0][1].parts) == 1:
        only = part.options[0][1].parts[0]
        if isinstance(only, Wildcard) and not only.given and (part.low, part.high) != (1, 1):
            return [(1.0, value) for value in scope.values(only.name)]
    return list(part.options)


def _bounds(part: Variants, there: int) -> tuple[int, int]:
    return min(part.low, there), there if part.high is None else min(part.high, there)


def _every(sequence: Template, scope: _Scope) -> Iterator[tuple[str, _Scope]]:
    """Every text the sequence can become, with what its variables stand for afterwards."""

    def further(place: int, text: str, here: _Scope) -> Iterator[tuple[str, _Scope]]:
        if place == len(sequence.parts):
            yield text, here
            return
        for piece, after in _every_part(sequence.parts[place], here):
            yield from further(place + 1, text + piece, after)

    return further(0, "", scope)


def _every_part(part: Part, scope: _Scope) -> Iterator[tuple[str, _Scope]]:
    if isinstance(part, Text):
        yield part.text, scope
    elif isinstance(part, Variants):
        yield from ((text, scope) for text in _every_choice(part, scope))
    elif isinstance(part, Wildcard):
        inner = scope.inside(part)
        yield from ((text, scope) for value in scope.values(part.name) for text, _ in _every(value, inner))
    elif isinstance(part, Setting):
        if part.now:
            yield from (("", scope.having(part.name, text)) for text, _ in _every(part.value, scope))
        else:
            yield "", scope.having(part.name, part.value)
    else:
        value = scope.used(part)
        texts = [value] if isinstance(value, str) else (text for text, _ in _every(value, scope))
        yield from ((text, scope) for text in texts)


def _every_choice(part: Variants, scope: _Scope) -> Iterator[str]:
    options = [option for _, option in _options(part, scope)]
    low, high = _bounds(part, len(options))
    for size in range(low, high + 1):
        for chosen in permutations(options, size):
            yield from _every_joined(chosen, part.separator, scope)


def _every_joined(chosen: Sequence[Template], separator: str, scope: _Scope) -> Iterator[str]:
    if not chosen:
        yield ""
        return
    for text, _ in _every(chosen[0], scope):
        for rest in _every_joined(chosen[1:], separator, scope):
            yield separator.join((text, rest)) if len(chosen) > 1 else text


def _one(sequence: Template, scope: _Scope, chance: Callable[[], float]) -> str:
    texts: list[str] = []
    for part in sequence.parts:
        if isinstance(part, Text):
            texts.append(part.text)
        elif isinstance(part, Variants):
            texts.append(_one_choice(part, scope, chance))
        elif isinstance(part, Wildcard):
            values = scope.values(part.name)
            value = values[int(chance() * len(values))]
            texts.append(_one(value, scope.inside(part), chance))
        elif isinstance(part, Setting):
            value = _one(part.value, scope, chance) if part.now else part.value
            scope = scope.having(part.name, value)
        else:
            value = scope.used(part)
            texts.append(value if isinstance(value, str) else _one(value, scope, chance))
    return "".join(texts)


def _one_choice(part: Variants, scope: _Scope, chance: Callable[[], float]) -> str:
    left = _options(part, scope)
    low, high = _bounds(part, len(left))
    chosen: list[Template] = []
    for _ in range(low + int(chance() * (high - low + 1))):
        mark = chance() * sum(weight for weight, _ in left)
        place = _reached(mark, [weight for weight, _ in left])
        chosen.append(left.pop(place)[1])
    return part.separator.join(_one(option, scope, chance) for option in chosen)


def _reached(mark: float, weights: Iterable[float]) -> int:
    """At which place the running sum of the weights passes the mark."""
    total, place = 0.0, 0
    for place, weight in enumerate(weights):  # noqa: B007 - the last place, when rounding runs over the end
        total += weight
        if mark < total:
            break
    return place
