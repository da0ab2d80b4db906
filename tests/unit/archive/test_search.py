"""Finding assets, whatever leads the search; and the catalogue behind it."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import IntegrityError
from tests.support.workspaces import BASE, adapter, asset, recipe, style
from tools.foreign_pictures.written import NAMES, picture_of

from duktus.archive import (
    assets,
    collections,
    decisions,
    descents,
    foreign,
    saved_searches,
    search,
    series,
    styles,
)
from duktus.archive.archive import Archive
from duktus.archive.migrations import steps
from duktus.archive.series import Planned
from duktus.domain.asset import Asset
from duktus.domain.canonical import sha256_hex, short_id
from duktus.domain.decision import DecisionKind, Label, Standing
from duktus.domain.descent import Descent
from duktus.domain.foreign import ForeignPicture
from duktus.domain.query import Order, Query, Span
from duktus.domain.recipe import Sampler
from duktus.rendering.metadata.explain import explain

WORDS = ["woman", "man", "child", "red hair", "blue background", "sportrait-laz", "Größe"]
FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
HAND, INK = style("hand", tensors="hand"), style("ink", tensors="ink")


@dataclass(frozen=True)
class Picture:
    asset: Asset
    standing: Standing


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Sixty assets that differ in everything that can be searched."""
    archive = Archive(tmp_path_factory.mktemp("search") / "archive.sqlite")
    chance = random.Random(7)  # noqa: S311 - a fixed draw for a test
    made = [_asset(number, chance) for number in range(60)]
    recipes = tuple(one.recipe for one in made[:5])
    planned = Planned("s", "0" * 64, (), ((),) * 5, recipes)
    with archive.write() as connection:
        styles.add(connection, BASE, HAND)
        styles.add(connection, BASE, INK)
        series.add(connection, BASE, planned)
        for place, one in enumerate(made):
            assets.add(connection, BASE, one)
            if place < 5:
                series.fill(connection, "s", place, one.id)
            _decide(connection, one.id, chance)
        collections.add(connection, "best", [made[9].id, made[3].id], author="me")
    return archive


def _asset(number: int, chance: random.Random) -> Asset:
    used = chance.choice([(), (adapter(HAND, 1.2),), (adapter(HAND, 1.33), adapter(INK, 0.5))])
    one = asset(
        number,
        prompt=", ".join(chance.sample(WORDS, 2)),
        negative_prompt=chance.choice(["", "blur", "red"]),
        cfg=chance.choice([3.0, 3.8, 4.0, 4.4]),
        steps=chance.choice([4, 20]),
        sampler=chance.choice([Sampler.EULER, Sampler.DDIM]),
        width=chance.choice([64, 128]),
        adapters=used,
    )
    return one.model_copy(update={"created": FIRST + timedelta(days=number)})


def _decide(connection: Any, asset_id: str, chance: random.Random) -> None:
    for kind in chance.sample(["keep", "discard", "rate", "label", "undecided"], 2):
        decisions.add(
            connection,
            asset_id,
            DecisionKind(kind),
            author="me",
            stars=chance.randrange(6) if kind == "rate" else None,
            label=chance.choice([Label.RED, Label.NONE]) if kind == "label" else None,
        )


def _expected(archive: Archive, holds: Any) -> list[str]:
    """By reading every asset: what the search must find, newest first."""
    with archive.read() as connection:
        ids = list(connection.exec_driver_sql("SELECT asset FROM catalogue ORDER BY entry DESC").scalars())
        listed, standings = assets.several(connection, ids), decisions.standings(connection, ids)
    return [id_ for id_ in ids if holds(Picture(listed[id_], standings[id_]))]


QUERIES: list[tuple[Query, Any]] = [
    (Query(), lambda _: True),
    (Query(words="red"), lambda p: "red" in p.asset.recipe.prompt),
    (
        Query(words="red -woman"),
        lambda p: "red" in p.asset.recipe.prompt and "woman" not in p.asset.recipe.prompt,
    ),
    (Query(words='"hair red"'), lambda _: False),
    (Query(words="sportrait-laz"), lambda p: "sportrait" in p.asset.recipe.prompt),
    (Query(words="sport* grosse"), lambda _: False),
    (Query(words="GRÖSSE"), lambda _: False),
    (Query(words="grö*"), lambda p: "Größe" in p.asset.recipe.prompt),
    (Query(words="G*"), lambda p: "Größe" in p.asset.recipe.prompt),
    (Query(words="sportra*"), lambda p: "sportrait" in p.asset.recipe.prompt),
    (Query(negative_words="red"), lambda p: p.asset.recipe.negative_prompt == "red"),
    (Query(base="tiny"), lambda _: True),
    (Query(base="other"), lambda _: False),
    (Query(style="ink"), lambda p: any(one.name == "ink" for one in p.asset.recipe.adapters)),
    (
        Query(style="hand", strength=Span(least=1.3)),
        lambda p: any(one.name == "hand" and one.strength >= 1.3 for one in p.asset.recipe.adapters),
    ),
    (Query(strength=Span(least=1.2, most=1.2)), lambda p: len(p.asset.recipe.adapters) == 1),
    (Query(cfg=Span(least=3.8, most=4.4)), lambda p: 3.8 <= p.asset.recipe.cfg <= 4.4),
    (Query(cfg=Span(most=3)), lambda p: p.asset.recipe.cfg <= 3),
    (Query(steps=Span(least=20, most=20)), lambda p: p.asset.recipe.steps == 20),
    (Query(sampler=Sampler.DDIM), lambda p: p.asset.recipe.sampler == "DDIM"),
    (Query(size=(128, 64)), lambda p: p.asset.recipe.width == 128),
    (Query(decision="keep"), lambda p: p.standing.verdict == "keep"),
    (Query(decision="undecided"), lambda p: p.standing.verdict is None),
    (Query(stars=Span(least=3)), lambda p: (p.standing.stars or 0) >= 3),
    (Query(label=Label.RED), lambda p: p.standing.label == "red"),
    (Query(label=Label.NONE), lambda p: p.standing.label is None),
    (
        Query(since="2026-02", until="2026-02-14"),
        lambda p: "2026-02-01" <= str(p.asset.created) < "2026-02-15",
    ),
    (
        Query(words="man", decision="keep", cfg=Span(least=3.5), sampler=Sampler.EULER),
        lambda p: (
            "man" in p.asset.recipe.prompt.replace("woman", "")
            and p.standing.verdict == "keep"
            and p.asset.recipe.cfg > 3.5
            and p.asset.recipe.sampler == "Euler"
        ),
    ),
]


@pytest.mark.parametrize("rare", [0, search.RARE], ids=["walking", "leading"])
@pytest.mark.parametrize(
    ("query", "holds"), QUERIES, ids=lambda x: repr(x)[:60] if isinstance(x, Query) else ""
)
def test_what_is_found_is_what_a_reader_of_everything_would_find(
    archive: Archive, query: Query, holds: Any, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RARE", rare)
    wanted = _expected(archive, holds)
    with archive.read() as connection:
        newest = search.find(connection, query, limit=100)
        oldest = search.find(connection, query.model_copy(update={"order": Order.OLDEST}), limit=100)
        by_stars = search.find(connection, query.model_copy(update={"order": Order.STARS}), limit=100)
    assert list(newest.ids) == wanted
    assert list(oldest.ids) == wanted[::-1]
    assert sorted(by_stars.ids) == sorted(wanted)
    assert not newest.more


def test_series_and_collections_are_searched(archive: Archive) -> None:
    with archive.read() as connection:
        assert len(search.find(connection, Query(series="s"), limit=9).ids) == 5
        best = search.find(connection, Query(collection="best"), limit=9).ids
        assert sorted(best) == sorted(collections.members(connection, "best"))


@pytest.mark.parametrize("order", [Order.CFG, Order.STRENGTH, Order.STARS])
def test_orders(archive: Archive, order: Order) -> None:
    with archive.read() as connection:
        ids = search.find(connection, Query(order=order, style="hand"), limit=100).ids
        listed, standings = assets.several(connection, ids), decisions.standings(connection, ids)
    key = {
        Order.CFG: lambda id_: listed[id_].recipe.cfg,
        Order.STRENGTH: lambda id_: listed[id_].recipe.adapters[0].strength,
        Order.STARS: lambda id_: -(-1 if standings[id_].stars is None else standings[id_].stars),
    }[order]
    assert [key(id_) for id_ in ids] == sorted(key(id_) for id_ in ids)
    assert len(set(ids)) == len(ids) > 10


def test_pages_follow_each_other(archive: Archive) -> None:
    with archive.read() as connection:
        whole = search.find(connection, Query(), limit=60)
        pages = [search.find(connection, Query(), limit=25, offset=start) for start in (0, 25, 50)]
    assert [id_ for page in pages for id_ in page.ids] == list(whole.ids)
    assert [page.more for page in pages] == [True, True, False]


def test_an_undone_decision_is_not_found_and_a_redone_one_is(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive.sqlite")
    kept = Query(decision="keep")
    with archive.write() as connection:
        one = assets.add(connection, BASE, asset()).id
        keep = decisions.add(connection, one, DecisionKind.KEEP, author="me")
        undo = decisions.add(connection, one, DecisionKind.UNDO, author="me", undoes=keep.id)
        assert search.find(connection, kept, limit=9).ids == ()
        decisions.add(connection, one, DecisionKind.REDO, author="me", undoes=undo.id)
        assert search.find(connection, kept, limit=9).ids == (one,)


def test_saved_queries_come_back(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive.sqlite")
    query = Query(words="red", cfg=Span(least=3), label=Label.RED, sampler=Sampler.DDIM, size=(64, 64))
    with archive.write() as connection:
        saved_searches.put(connection, "a", Query(), author="me")
        saved_searches.put(connection, "a", query, author="me")
        saved_searches.put(connection, "b", Query(), author="me")
        saved_searches.remove(connection, "b")
        assert saved_searches.everyone(connection) == {"a": query}


def _at_migration(path: Path, step: str = "0001") -> None:
    """Make the tables as an earlier version had them."""
    engine = create_engine(f"sqlite+pysqlite:///{path}", poolclass=NullPool)
    config = steps._config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)


def test_an_older_archive_is_entered_into_the_catalogue(tmp_path: Path, archive: Archive) -> None:
    """The migration reads documents with SQL, the archive with Python: both must say the same."""
    path = tmp_path / "older.sqlite"
    with sqlite3.connect(archive.path) as source, sqlite3.connect(path) as target:
        _at_migration(path)
        for name in ("bases", "styles", "recipes", "assets", "edges", "decisions"):
            columns = [row[1] for row in target.execute(f"PRAGMA table_info({name})")]
            kinds = " WHERE kind IN ('keep', 'discard', 'rate')" if name == "decisions" else ""
            rows = source.execute(f"SELECT {', '.join(columns)} FROM {name}{kinds}").fetchall()
            marks = ",".join("?" * len(columns))
            target.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    source.close()
    target.close()
    upgraded = Archive(path)
    upgraded.ready()
    facts = "asset, base, style, strength, cfg, steps, seed, sampler, schedule, width, height, created"
    uses = "SELECT name, asset, s.strength FROM style_uses s JOIN catalogue c USING (entry) ORDER BY 1, 2"
    with archive.read() as one, upgraded.read() as other:
        for question in (f"SELECT {facts} FROM catalogue ORDER BY entry", uses):
            found = one.exec_driver_sql(question).all()
            assert other.exec_driver_sql(question).all() == found
            assert found
        for query in (Query(words="red"), Query(negative_words="blur"), Query(words="sport*")):
            assert search.find(other, query, limit=99) == search.find(one, query, limit=99)
        ids = list(other.exec_driver_sql("SELECT asset FROM catalogue").scalars())
        counted = decisions.standings(other, ids)
        for row in other.exec_driver_sql("SELECT asset, verdict, stars, label FROM catalogue"):
            standing = counted[row.asset]
            assert (row.verdict, row.stars, row.label) == (standing.verdict, standing.stars, None)


def _imported(number: int, name: str) -> ForeignPicture:
    found = explain(picture_of(name, number), name) if name else None
    ours = recipe(prompt="a red boat") if not number else None
    file_hash = sha256_hex(f"{number}".encode())
    return ForeignPicture(
        id=short_id("f", file_hash),
        file_hash=file_hash,
        pixel_hash=file_hash,
        path=f"pictures/imported/{number}.png",
        source="elsewhere",
        container="PNG",
        width=24,
        height=16,
        recipe=ours,
        foreign=found.foreign if found and not ours else None,
        notes=(),
        created=FIRST + timedelta(days=number),
    )


def test_what_was_imported_by_an_earlier_version_is_entered_as_it_would_be_now(tmp_path: Path) -> None:
    """And decisions, collections and descents survive the tables that are written anew."""
    pictures = [_imported(number, name) for number, name in enumerate(("", "", *NAMES))]
    seed = pictures[2].model_copy(update={"foreign": None}).model_dump()
    assert pictures[2].foreign is not None
    large = pictures[2].foreign.model_copy(update={"seed": 2**64 - 1})
    pictures[2] = ForeignPicture.model_validate({**seed, "foreign": large.model_dump()})
    older, newer = tmp_path / "older.sqlite", Archive(tmp_path / "newer.sqlite")
    _at_migration(older, "0005")
    one, other = asset(1), asset(2)
    with newer.write() as connection:
        for each in (one, other):
            assets.add(connection, BASE, each)
        kept = decisions.add(connection, one.id, DecisionKind.KEEP, author="me")
        decisions.add(connection, one.id, DecisionKind.UNDO, author="me", undoes=kept.id)
        collections.add(connection, "wall", [one.id], author="me")
        step = Descent(
            child=other.id, parent=one.id, changes=(), fresh=True, author="me", created=one.created
        )
        descents.add(connection, step)
    with sqlite3.connect(newer.path) as source, sqlite3.connect(older) as target:
        for name in ("bases", "recipes", "assets", "edges", "decisions", "catalogue", "collections",
                     "collection_members", "descents"):  # fmt: skip
            columns = ", ".join(row[1] for row in target.execute(f"PRAGMA table_info({name})"))
            rows = source.execute(f"SELECT {columns} FROM {name}").fetchall()
            marks = ",".join("?" * (columns.count(",") + 1))
            target.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        for picture in pictures:
            values = (picture.id, picture.file_hash, picture.pixel_hash, picture.tool)
            document, created = picture.model_dump_json(by_alias=True), picture.created.isoformat()
            target.execute("INSERT INTO foreign_pictures VALUES (?,?,?,?,?,?)", (*values, document, created))
    source.close()
    target.close()
    with newer.write() as connection:
        for picture in pictures:
            foreign.add(connection, picture)
    upgraded = Archive(older)
    upgraded.ready()
    questions = [f"SELECT * FROM {name} ORDER BY 1, 2" for name in
                 ("catalogue", "style_uses", "decisions", "collection_members", "descents")]  # fmt: skip
    with upgraded.read() as then, newer.read() as now:
        for question in questions:
            found = now.exec_driver_sql(question).all()
            assert then.exec_driver_sql(question).all() == found
            assert found
        for query in (
            Query(words="harb*"),
            Query(negative_words="blurry"),
            Query(tool="imported"),
            Query(tool="here"),
        ):
            assert search.find(then, query, limit=99) == search.find(now, query, limit=99)
            assert search.find(then, query, limit=99).ids
        assert then.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    with pytest.raises(IntegrityError), upgraded.write() as connection:
        collections.add(connection, "wall", ["f-unknown"], author="me")
