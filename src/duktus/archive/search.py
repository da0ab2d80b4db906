"""Finding assets among many: which condition leads, and in which order the rows are walked.

SQLite by itself would take an index on a broad range (cfg 3.8 to 4.4 of a million pictures) and then sort
hundreds of thousands of rows to show fifty. So every condition is first counted up to a bound, which costs
about a millisecond. A rare one leads, and its few rows are sorted. When all are broad, rows are walked in the
order wanted until a page is full, which then happens soon. ``benchmarks/archive.py`` keeps the plans.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from duktus.domain.decision import Label
from duktus.domain.errors import InputError
from duktus.domain.query import Order, Query, Span

RARE = 20_000
"""Rows up to which a condition leads and its rows are sorted."""

FEW = 5_000
"""Rows up to which words are looked up row by row (about 7 microseconds each) instead of listed whole."""

_CATALOGUE = "catalogue AS c"
_PIECE = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))(?P<star>\*)?')


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, as a test of a catalogue row ``c`` and as a source that gives the rows by itself."""

    name: str
    test: str
    """SQL that is true of a row ``c``."""
    values: Mapping[str, Any]
    source: str = ""
    """FROM clause with the index to use; empty where no index helps."""
    where: str = ""
    """SQL that is true of a row of ``source``; ``test`` when empty."""
    entry: str = "c.entry"
    """The column of ``source`` that names the catalogue row."""
    ordered: bool = False
    """Whether ``source`` gives its rows in the order of ``entry``."""
    few_test: str = ""
    """The test to prefer when only a few rows are tested; ``test`` when empty."""

    @property
    def joined(self) -> str:
        """The source with the catalogue beside it; CROSS JOIN keeps SQLite from turning it round."""
        if self.entry == "c.entry":
            return self.source
        return f"{self.source} CROSS JOIN {_CATALOGUE} ON c.entry = {self.entry}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, with the conditions' counts that led to it."""

    sql: str
    values: Mapping[str, Any]
    leads: str
    counts: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of one page of assets, and whether there are more."""

    ids: tuple[str, ...]
    more: bool


def find(connection: Connection, query: Query, *, limit: int, offset: int = 0) -> Found:
    """One page of the assets for which every condition of a query holds."""
    planned = plan(connection, query)
    values = {**planned.values, "limit": limit + 1, "offset": offset}
    ids = list(connection.execute(text(planned.sql), values).scalars())
    return Found(tuple(ids[:limit]), len(ids) > limit)


def plan(connection: Connection, query: Query) -> Plan:
    """The statement that answers a query soonest; it takes ``limit`` and ``offset`` besides its values."""
    given = conditions(query)
    by_time = query.order in {Order.NEWEST, Order.OLDEST}
    sources = [one for one in given if one.source]
    if by_time and len(sources) == 1 and sources[0].ordered:  # leads whatever its count
        return _statement(query, given, sources[0].joined, sources[0], {})
    counts = {one.name: _count(connection, one) for one in sources}
    rare = min(sources, key=lambda one: counts[one.name], default=None)
    if rare is not None and counts[rare.name] < RARE:
        return _statement(query, given, rare.joined, rare, counts)
    if by_time:
        broad = next((one for one in given if one.ordered), None)
        if broad is not None:
            return _statement(query, given, broad.joined, broad, counts)
        return _statement(query, given, f"{_CATALOGUE} NOT INDEXED", None, counts)
    index = f"{_CATALOGUE} INDEXED BY ix_catalogue_{query.order.value}"
    return _statement(query, given, index, None, counts)


def conditions(query: Query) -> list[Condition]:
    """The conditions of a query; those that are dear to test row by row come first, because they should lead.

    :class:`InputError` for words that cannot be searched.
    """
    found = [*_words("words", "prompt", query.words), *_words("negative", "negative", query.negative_words)]
    found += _styles(query)
    equal = {
        "base": query.base,
        "sampler": str(query.sampler) if query.sampler else None,
        "schedule": str(query.schedule) if query.schedule else None,
    }
    if query.decision:
        found.append(_equal("verdict", None if query.decision == "undecided" else query.decision))
    if query.label:
        found.append(_equal("label", None if query.label is Label.NONE else query.label.value))
    found += [_equal(column, value) for column, value in equal.items() if value is not None]
    if query.tool == "imported":
        found.append(Condition("tool", "c.tool >= ''", {}, _indexed("tool")))
    elif query.tool:
        named = {"here": None, "unknown": ""}
        found.append(_equal("tool", named.get(query.tool, query.tool)))
    spans = {"cfg": query.cfg, "steps": query.steps, "seed": query.seed, "stars": query.stars}
    found += [_between(column, given) for column, given in spans.items() if given is not None]
    if query.size:
        sides = {"width": query.size[0], "height": query.size[1]}
        found.append(Condition("size", "c.width = :width AND c.height = :height", sides))
    return found + _dates(query) + _memberships(query)


def _statement(
    query: Query,
    given: Sequence[Condition],
    source: str,
    leading: Condition | None,
    counts: Mapping[str, int],
) -> Plan:
    few = leading is not None and counts.get(leading.name, FEW) < FEW
    tests = [
        one.where or one.test if one is leading else (one.few_test if few else "") or one.test
        for one in given
    ]
    entry = leading.entry if leading else "c.entry"
    order = {
        Order.NEWEST: f"{entry} DESC",
        Order.OLDEST: entry,
        Order.STARS: "c.stars DESC, c.entry DESC",
        Order.CFG: "c.cfg, c.entry",
        Order.STRENGTH: "c.strength, c.entry",
    }[query.order]
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    sql = f"SELECT c.asset FROM {source}{where} ORDER BY {order} LIMIT :limit OFFSET :offset"  # noqa: S608 - of constants
    values = {key: value for one in given for key, value in one.values.items()}
    return Plan(sql, values, leading.name if leading else f"order {query.order.value}", counts)


def _count(connection: Connection, one: Condition) -> int:
    """How many rows a condition gives, counted no further than needed."""
    inner = f"SELECT 1 FROM {one.source} WHERE {one.where or one.test} LIMIT {RARE}"  # noqa: S608 - of constants
    return connection.execute(text(f"SELECT count(*) FROM ({inner})"), dict(one.values)).scalar_one()  # noqa: S608


def _indexed(column: str) -> str:
    return f"{_CATALOGUE} INDEXED BY ix_catalogue_{column}"


def _equal(column: str, value: str | None) -> Condition:
    if value is None:
        return Condition(column, f"c.{column} IS NULL", {}, _indexed(column), ordered=True)
    return Condition(column, f"c.{column} = :{column}", {column: value}, _indexed(column), ordered=True)


def _between(column: str, given: Span) -> Condition:
    test, values = _range(f"c.{column}", column, given)
    exact = given.least is not None and given.least == given.most
    return Condition(column, test, values, _indexed(column), ordered=exact)


def _range(column: str, key: str, given: Span) -> tuple[str, dict[str, Any]]:
    if given.least is not None and given.least == given.most:
        return f"{column} = :{key}", {key: given.least}
    tests: list[str] = []
    values: dict[str, Any] = {}
    for end, sign, value in (("least", ">=", given.least), ("most", "<=", given.most)):
        if value is not None:
            tests.append(f"{column} {sign} :{key}_{end}")
            values[f"{key}_{end}"] = value
    return " AND ".join(tests), values


def _styles(query: Query) -> list[Condition]:
    if query.style is None:
        return [_between("strength", query.strength)] if query.strength else []
    values: dict[str, Any] = {"style": query.style}
    found = [_style_condition("style", "style_uses AS u", "u.name = :style", values, ordered=True)]
    if query.strength:
        test, bounds = _range("u.strength", "strength", query.strength)
        source, where = "style_uses AS u INDEXED BY ix_style_uses_strength", f"u.name = :style AND {test}"
        found.append(_style_condition("strength", source, where, {**values, **bounds}, ordered=False))
    return found


def _style_condition(
    name: str, source: str, where: str, values: Mapping[str, Any], *, ordered: bool
) -> Condition:
    test = f"EXISTS (SELECT 1 FROM style_uses AS u WHERE u.entry = c.entry AND {where})"  # noqa: S608 - of constants
    return Condition(name, test, values, source, where, "u.entry", ordered=ordered)


def _dates(query: Query) -> list[Condition]:
    """Times are ISO 8601 in UTC, so the beginning of one is a date, and "~" comes after every character."""
    tests: list[str] = []
    values: dict[str, Any] = {}
    if query.since:
        tests.append("c.created >= :since")
        values["since"] = query.since
    if query.until:
        tests.append("c.created <= :until")
        values["until"] = f"{query.until}~"
    if not tests:
        return []
    return [Condition("created", " AND ".join(tests), values, _indexed("created"))]


def _memberships(query: Query) -> list[Condition]:
    found: list[Condition] = []
    for key, value, inside in (
        ("series", query.series, "SELECT asset FROM cells WHERE series = :series"),
        (
            "collection",
            query.collection,
            "SELECT asset FROM collection_members WHERE collection = :collection",
        ),
    ):
        if value is not None:
            found.append(Condition(key, f"c.asset IN ({inside})", {key: value}, _indexed("asset")))
    return found


def _words(name: str, column: str, given: str) -> list[Condition]:
    if not given.strip():
        return []
    match = f"{{{column}}} : ({words_query(given)})"
    where = f"prompt_words MATCH :{name}"
    test = f"c.entry IN (SELECT rowid FROM prompt_words WHERE {where})"  # noqa: S608 - of constants
    row = f"EXISTS (SELECT 1 FROM prompt_words WHERE {where} AND prompt_words.rowid = c.entry)"  # noqa: S608 - of constants
    return [
        Condition(
            name,
            test,
            {name: match},
            "prompt_words",
            where,
            "prompt_words.rowid",
            ordered=True,
            few_test=row,
        )
    ]


def words_query(given: str) -> str:
    """What a person typed, as an FTS5 expression in which nothing of theirs is syntax.

    All words have to occur. ``"a phrase"`` in that order, ``begin*`` the beginning of a word, ``-word`` not.
    :class:`InputError` when there is nothing to look for.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for match in _PIECE.finditer(given):
        piece = match["phrase"] if match["phrase"] is not None else match["word"]
        star = bool(match["star"]) or piece.endswith("*")
        if not re.search(r"[^\W_]", piece):
            continue
        term = f'"{piece.rstrip("*")}"{" *" if star else ""}'
        (unwanted if match["minus"] else wanted).append(term)
    if not wanted:
        raise InputError(
            f"'{given.strip()}' names no word to look for.",
            "Words to leave out (-word) need a word beside them that is looked for.",
            "Name at least one word of the prompt.",
        )
    sought = " AND ".join(wanted)
    return f"({sought}) NOT ({' OR '.join(unwanted)})" if unwanted else sought
