"""A large archive: filter, sort and page, and the words of prompts, with the plans SQLite made.

    python benchmarks/archive.py [--assets 1000000] [--rounds 15] [--words] [--keep FILE] [--plans FILE]

The assets are made up: prompts of eight parts drawn from a vocabulary of 2,000, settings drawn as a person
sets them, a tenth of them decided about. Rows are written into the tables directly, because asking the
archive one by one takes hours; that both ways give the same rows is what a test of the migration says. The
questions go through the archive's own search, each on a new connection, as a command asks them.

Prints one JSON document: milliseconds for each question and over all of them, by the clock (median, and the
slowest) and of the processor, which says what a quiet machine would need where this one is busy.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import text

from duktus.archive import assets, decisions, search
from duktus.archive.archive import Archive
from duktus.domain.decision import Label
from duktus.domain.query import Order, Query, Span
from duktus.domain.recipe import Sampler

WEIGHTS, HAND, INK = "ab" * 32, "cd" * 32, "ef" * 32
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
PAGE = 50
AT_ONCE = 20_000
FACTS = json.dumps(
    {
        "device": "cpu",
        "device_name": "a processor",
        "instruction_set": "none",
        "threads": 1,
        "versions": {},
        "seconds": 1.0,
    }
)

FILTERS: dict[str, tuple[Query, int]] = {
    "everything, newest": (Query(), 1),
    "everything, page 20": (Query(), 20),
    "cfg 3.8..4.4, newest": (Query(cfg=Span(least=3.8, most=4.4)), 1),
    "cfg 3.8..4.4 kept, by stars": (
        Query(cfg=Span(least=3.8, most=4.4), decision="keep", order=Order.STARS),
        1,
    ),
    "style, strength 1.28..1.31, newest": (Query(style="hand", strength=Span(least=1.28, most=1.31)), 1),
    "a rare style, by cfg": (Query(style="ink", order=Order.CFG), 1),
    "undecided, Euler, 20 steps, newest": (
        Query(decision="undecided", sampler=Sampler.EULER, steps=Span(least=20, most=20)),
        1,
    ),
    "label red of one month": (Query(label=Label.RED, since="2025-03", until="2025-03"), 1),
    "four stars and more, by strength": (Query(stars=Span(least=4), order=Order.STRENGTH), 1),
    "one seed": (Query(seed=Span(least=77, most=77)), 1),
    "kept, five conditions, page 3": (
        Query(
            decision="keep",
            style="hand",
            cfg=Span(least=3.5),
            steps=Span(most=30),
            sampler=Sampler.DPMPP_2M,
        ),
        3,
    ),
    "nothing holds it all": (
        Query(decision="discard", label=Label.PURPLE, stars=Span(least=5), cfg=Span(most=3.0)),
        1,
    ),
}
WORDS: dict[str, tuple[Query, int]] = {
    "a word of every prompt": (Query(words="portrait"), 1),
    "a common word": (Query(words="w0001"), 1),
    "a rare word": (Query(words="w1999"), 1),
    "two words": (Query(words="w0003 w0050"), 1),
    "a phrase": (Query(words='"w0002 lines"'), 1),
    "a beginning": (Query(words="w01*"), 1),
    "a beginning of one letter": (Query(words="w*"), 1),
    "a beginning of four letters": (Query(words="w015*"), 1),
    "most of a word of every prompt": (Query(words="portrai*"), 1),
    "a beginning and a rare word": (Query(words="w00* w1999"), 1),
    "a beginning, kept, by stars": (Query(words="w01*", decision="keep", order=Order.STARS), 1),
    "one word without another": (Query(words="w0001 -w0002"), 1),
    "a common word, kept, by stars": (Query(words="w0001", decision="keep", order=Order.STARS), 1),
    "a word of every prompt, one seed": (Query(words="portrait", seed=Span(least=77, most=77)), 1),
    "the negative prompt": (Query(negative_words="w0004"), 1),
}


def main() -> None:
    """Make the archive, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="where the archive is made, and found by the next run")
    parser.add_argument("--words", action="store_true", help="ask for the words of prompts only")
    parser.add_argument("--plans", type=Path, help="where the statements and SQLite's plans are written")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path: Path = given.keep or Path(temporary) / "archive.sqlite"
        started = time.perf_counter()
        if not path.exists():
            fill(path, given.assets)
        filled = time.perf_counter() - started
        archive = Archive(path)
        measured = {} if given.words else {"filter, sort and page": ask(archive, FILTERS, given.rounds)}
        measured["words of prompts"] = ask(archive, WORDS, given.rounds)
        if given.plans:
            given.plans.write_text(plans(archive), encoding="utf-8")
        json.dump(
            {
                "assets": count(archive),
                "page": PAGE,
                "rounds": given.rounds,
                "megabytes": round(path.stat().st_size / 1e6),
                "seconds_to_fill": round(filled, 1),
                "sqlite": sqlite3.sqlite_version,
                "machine": f"{platform.machine()} {platform.system()}",
                "milliseconds": measured,
            },
            sys.stdout,
            indent=2,
        )


def count(archive: Archive) -> int:
    """How many assets there are."""
    with archive.read() as connection:
        return assets.count(connection)


def ask(archive: Archive, questions: dict[str, tuple[Query, int]], rounds: int) -> dict[str, Any]:
    """The time of each question with its page of assets and standings, in turns, after one that warms up."""
    spent: dict[str, list[float]] = {name: [] for name in questions}
    worked: dict[str, list[float]] = {name: [] for name in questions}
    leads: dict[str, tuple[str, int]] = {}
    for turn in range(rounds + 1):
        for name, (query, page) in questions.items():
            started, begun = time.perf_counter(), time.process_time()
            with archive.read() as connection:
                found = search.find(connection, query, limit=PAGE, offset=(page - 1) * PAGE)
                assets.several(connection, found.ids)
                decisions.standings(connection, found.ids)
            if turn:
                spent[name].append(1000 * (time.perf_counter() - started))
                worked[name].append(1000 * (time.process_time() - begun))
            else:
                with archive.read() as connection:
                    leads[name] = (search.plan(connection, query).leads, len(found.ids))
    return {
        "median of all": round(statistics.median(one for times in spent.values() for one in times), 2),
        "median of all, processor": round(
            statistics.median(one for times in worked.values() for one in times), 2
        ),
        "each": {
            name: {
                "median": round(statistics.median(times), 2),
                "processor": round(statistics.median(worked[name]), 2),
                "slowest": round(max(times), 2),
                "found": leads[name][1],
                "leads": leads[name][0],
            }
            for name, times in spent.items()
        },
    }


def plans(archive: Archive) -> str:
    """Every statement with what SQLite says about it."""
    parts: list[str] = []
    with archive.read() as connection:
        for name, (query, page) in {**FILTERS, **WORDS}.items():
            made = search.plan(connection, query)
            values = {**made.values, "limit": PAGE + 1, "offset": (page - 1) * PAGE}
            rows = connection.execute(text(f"EXPLAIN QUERY PLAN {made.sql}"), values)
            lines = [f"    {row.detail}" for row in rows]
            counts = ", ".join(f"{key} {number}" for key, number in made.counts.items())
            parts.append("\n".join([f"## {name}", f"counted: {counts or '-'}", made.sql, *lines]))
    return "\n\n".join(parts) + "\n"


def fill(path: Path, number: int) -> None:
    """Write that many assets with their recipes, catalogue rows, words and decisions."""
    Archive(path).ready()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN")
    now = FIRST.isoformat()
    connection.execute("INSERT INTO bases VALUES (?, 'miniature', 'sd15', '{}', ?)", (WEIGHTS, now))
    chance = random.Random(1)  # noqa: S311 - a fixed draw
    made = _made(number, chance)
    while batch := list(islice(made, AT_ONCE)):
        _write(connection, batch)
    connection.execute("COMMIT")
    connection.close()


@dataclass(frozen=True, slots=True)
class Made:
    """One made-up asset: its place, what its recipe says, and what was decided."""

    place: int
    recipe: dict[str, Any]
    created: str
    verdict: str | None = None
    stars: int | None = None
    label: str | None = None

    @property
    def id(self) -> str:
        """Of the asset."""
        return f"a-{self.place:016x}"


def _made(number: int, chance: random.Random) -> Iterator[Made]:
    vocabulary = [f"w{place:04}" for place in range(2000)]
    likely = [1 / (place + 1) ** 0.8 for place in range(2000)]  # as words are: few common, many rare
    prompt = negative = ""
    for place in range(1, number + 1):
        if place % 5 == 1:  # a person changes settings more often than words
            drawn = chance.choices(vocabulary, likely, k=8)
            prompt = "sportrait-laz portrait, " + ", ".join(f"{word} lines" for word in drawn)
            negative = ", ".join(chance.choices(vocabulary, likely, k=3))
        style, name = (HAND, "hand") if chance.random() < 0.995 else (INK, "ink")
        recipe = {
            "schema": 1,
            "base": {"name": "miniature", "weights": WEIGHTS},
            "adapters": [{"name": name, "style": style, "strength": chance.randrange(100, 140) / 100}],
            "prompt": prompt,
            "negative_prompt": negative,
            "seed": place % 1_000_003,
            "steps": chance.choice((10, 20, 30)),
            "cfg": chance.randrange(30, 60) / 10,
            "sampler": chance.choice(("DPM++ 2M", "Euler")),
            "schedule": "Karras",
            "width": 128,
            "height": 128,
            "noise": "cpu",
            "numerics": {"dtype": "float32", "lane": "proof"},
        }
        created = (FIRST + timedelta(minutes=place)).isoformat()
        if chance.random() >= 0.1:
            yield Made(place, recipe, created)
            continue
        verdict = chance.choice(("keep", "keep", "discard"))
        label = chance.choice((None, "red", "green", "purple"))
        yield Made(place, recipe, created, verdict, chance.choice((None, 1, 2, 3, 4, 5)), label)


def _write(connection: sqlite3.Connection, batch: list[Made]) -> None:
    def rows(statement: str, values: Sequence[tuple[Any, ...]]) -> None:
        if values:
            marks = ",".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {statement} VALUES ({marks})", values)  # noqa: S608 - of constants

    hashes = [hashlib.sha256(one.id.encode()).hexdigest() for one in batch]
    pairs = list(zip(batch, hashes, strict=True))
    rows("recipes", [(h, f"r-{h[:16]}", WEIGHTS, json.dumps(one.recipe)) for one, h in pairs])
    path = "pictures/single"
    rows(
        "assets",
        [(one.id, h, h, f"{path}/{one.id}.png", h, FACTS, one.created) for one, h in pairs],
    )
    rows(
        "catalogue(entry, asset, base, style, strength, cfg, steps, seed, sampler, schedule, width, height,"
        " created, verdict, stars, label)",
        [
            (
                one.place,
                one.id,
                "miniature",
                *(one.recipe["adapters"][0][key] for key in ("name", "strength")),
                *(
                    one.recipe[key]
                    for key in ("cfg", "steps", "seed", "sampler", "schedule", "width", "height")
                ),
                one.created,
                one.verdict,
                one.stars,
                one.label,
            )
            for one in batch
        ],
    )
    used = [(one.place, one.recipe["adapters"][0]) for one in batch]
    rows("style_uses(name, entry, strength)", [(a["name"], n, a["strength"]) for n, a in used])
    words = [(one.place, one.recipe["prompt"], one.recipe["negative_prompt"]) for one in batch]
    rows("prompt_words(rowid, prompt, negative)", words)
    rows("decisions(asset, kind, stars, label, reason, author, created)", list(_said(batch)))


def _said(batch: list[Made]) -> Iterator[tuple[Any, ...]]:
    for one in batch:
        if one.verdict:
            yield one.id, one.verdict, None, None, "", "me", one.created
        if one.stars:
            yield one.id, "rate", one.stars, None, "", "me", one.created
        if one.label:
            yield one.id, "label", None, one.label, "", "me", one.created


if __name__ == "__main__":
    main()
