from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError
from tests.support.workspaces import BASE, adapter, asset, recipe, style

from duktus.archive import assets, decisions, descents, lineage, series, snippets, styles
from duktus.archive.archive import Archive
from duktus.archive.migrations import steps
from duktus.archive.schema import APPEND_ONLY, HEAD, METADATA, PROMPT_WORDS
from duktus.archive.series import Planned
from duktus.archive.times import now
from duktus.domain.decision import DecisionKind
from duktus.domain.descent import Descent, Subject
from duktus.domain.errors import ConflictError, NotFoundError, StorageError
from duktus.domain.series import Axis
from duktus.domain.snippet import Snippet, SnippetKind


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "archive" / "archive.sqlite")
    made.ready()
    return made


def test_the_migrations_make_exactly_the_tables_of_the_schema(archive: Archive) -> None:
    with archive.read() as connection:
        own = {"include_name": lambda name, kind, _: kind != "table" or not name.startswith("prompt_words")}
        assert compare_metadata(MigrationContext.configure(connection, opts=own), METADATA) == []
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = 'prompt_words'"
        ).scalar()
    assert made == PROMPT_WORDS.replace(" IF NOT EXISTS", "")


def test_head_is_the_newest_migration(archive: Archive) -> None:
    assert steps.newest() == HEAD == archive.version()


def test_it_keeps_its_promises_on_the_disk(archive: Archive) -> None:
    with archive.write() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}
    with pytest.raises(IntegrityError), archive.write() as connection:
        decisions.add(connection, "a-unknown", DecisionKind.KEEP, author="me")


def test_a_newer_archive_is_refused_unchanged(archive: Archive) -> None:
    with archive.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = archive.path.read_bytes()
    with pytest.raises(StorageError, match=r"newer version of duktus.*9999"):
        Archive(archive.path).ready()
    assert archive.path.read_bytes() == before


def test_what_is_no_archive_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    path.write_bytes(b"this is not a database at all, but it is long enough to look" * 20)
    with pytest.raises(StorageError, match="damaged"):
        Archive(path).ready()


def test_a_transaction_that_fails_leaves_nothing(archive: Archive) -> None:
    def begin_and_fail() -> None:
        with archive.write() as connection:
            assets.add(connection, BASE, asset())
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        begin_and_fail()
    with archive.read() as connection:
        assert assets.count(connection) == 0


def test_a_full_archive_says_so_and_stays_whole(archive: Archive) -> None:
    def fill() -> None:
        with archive.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            for number in range(2000):
                assets.add(connection, BASE, asset(number))

    with pytest.raises(StorageError, match="full"):
        fill()
    with archive.read() as connection:
        assert assets.count(connection) == 0
    assert archive.check() == []


def _fill(path: Path, first: int) -> None:
    archive = Archive(path)
    for number in range(first, first + 10):
        with archive.write() as connection:
            assets.add(connection, BASE, asset(number))


def test_several_processes_create_and_write_one_archive(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_fill, args=(path, 10 * n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with Archive(path).read() as connection:
        assert assets.count(connection) == 30


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_cannot_be_rewritten(archive: Archive, table: str) -> None:
    with archive.write() as connection:
        known = assets.add(connection, BASE, asset())
        decisions.add(connection, known.id, DecisionKind.KEEP, author="me")
        step = Descent(child=known.id, parent=known.id, changes=(), fresh=False, author="me", created=now())
        descents.add(connection, step)
        descents.say_aim(connection, Subject.ASSET, known.id, "more blue", author="me")
        words = {"kind": SnippetKind.LIGHT, "text": "soft light", "author": "me", "created": now()}
        snippets.add(connection, Snippet(name="light", version=1, **words))
    for change in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = 99"):
        with pytest.raises(IntegrityError, match="append-only"), archive.write() as connection:
            connection.exec_driver_sql(change)


def test_an_asset_comes_back_as_it_went_in(archive: Archive) -> None:
    one = asset(3, negative_prompt="blur")
    with archive.write() as connection:
        assert assets.add(connection, BASE, one) == one
        assert assets.add(connection, BASE, one.model_copy(update={"path": "elsewhere"})) == one
    with archive.read() as connection:
        assert assets.get(connection, one.id) == one
        assert assets.get(connection, one.id[:8]) == one
        assert assets.get(connection, one.id.removeprefix("a-")) == one
        assert assets.by_file_hash(connection, one.file_hash) == one
        assert assets.by_pixel_hash(connection, one.pixel_hash) == one


@pytest.mark.parametrize("name", ["a-ffffffffffffffff", "x", "", "a-", "%", "a-%%%%%%", "____"])
def test_an_unknown_asset_is_not_found(archive: Archive, name: str) -> None:
    with archive.write() as connection:
        assets.add(connection, BASE, asset())
    with archive.read() as connection, pytest.raises(NotFoundError, match="holds 1 asset;"):
        assets.get(connection, name)


def test_an_ambiguous_beginning_is_told(archive: Archive) -> None:
    one, other = asset(1), asset(2)
    twin = other.model_copy(update={"id": one.id[:-4] + "ffff"})
    with archive.write() as connection:
        assets.add(connection, BASE, one)
        assets.add(connection, BASE, twin)
    with archive.read() as connection, pytest.raises(NotFoundError, match="more than one"):
        assets.get(connection, one.id[:-4])


def test_lineage_leads_from_a_picture_back_to_the_training_pictures(archive: Archive) -> None:
    taught = style()
    made = asset(1, adapters=(adapter(taught),))
    with archive.write() as connection:
        styles.add(connection, BASE, taught)
        assets.add(connection, BASE, made)
    with archive.read() as connection:
        edges = lineage.ancestors(connection, made.file_hash)
        below = lineage.children(connection, taught.training_pictures[0])
    assert (edges[0].child, edges[0].parent) == (made.file_hash, made.recipe.hash)
    parents = {edge.parent for edge in edges}
    assert {taught.hash, BASE.weights, *taught.training_pictures} <= parents
    assert [edge.child for edge in below] == [taught.hash]


def test_a_style_taught_on_is_what_its_name_means(archive: Archive) -> None:
    first = style(tensors="first")
    second = style(tensors="second").model_copy(update={"created": first.created.replace(year=2027)})
    with archive.write() as connection:
        styles.add(connection, BASE, first)
        styles.add(connection, BASE, second)
    with archive.read() as connection:
        assert styles.get(connection, "hand") == second
        assert styles.everyone(connection) == [second]
        assert styles.by_hash(connection, first.hash) == first
        with pytest.raises(NotFoundError, match="Did you mean 'hand'"):
            styles.get(connection, "hnad")
        with pytest.raises(NotFoundError, match="not in this workspace"):
            styles.by_hash(connection, "0" * 64)


def _series(archive: Archive) -> tuple[Planned, list[str]]:
    made = [asset(number) for number in range(3)]
    axis = Axis(name="seed", values=(0, 1, 2))
    planned = Planned("s", "0" * 64, (axis,), ((0,), (1,), (2,)), tuple(one.recipe for one in made))
    with archive.write() as connection:
        series.add(connection, BASE, planned)
        for one in made:
            assets.add(connection, BASE, one)
    return planned, [one.id for one in made]


def test_a_series_remembers_what_is_rendered(archive: Archive) -> None:
    planned, ids = _series(archive)
    with archive.write() as connection:
        series.fill(connection, "s", 1, ids[1])
        series.annotate(connection, "s", ("seed changed nothing",))
    with archive.read() as connection:
        found = series.get(connection, "s")
        (summary,) = series.everyone(connection)
        assert series.plan_of(connection, "s") == planned.plan
        assert series.plan_of(connection, "other") is None
        with pytest.raises(NotFoundError, match="Known: s"):
            series.get(connection, "zzz")
    assert [cell.asset_id for cell in found.cells] == [None, ids[1], None]
    assert [cell.recipe_id for cell in found.cells] == [one.id for one in planned.recipes]
    assert found.axes == planned.axes
    assert found.notes == ("seed changed nothing",)
    assert (summary.cells, summary.rendered) == (3, 1)


def test_decisions_are_undone_but_never_forgotten(archive: Archive) -> None:
    with archive.write() as connection:
        one = assets.add(connection, BASE, asset()).id
        keep = decisions.add(connection, one, DecisionKind.KEEP, author="me", reason="the eyes")
        decisions.add(connection, one, DecisionKind.RATE, author="me", stars=4)
        drop = decisions.add(connection, one, DecisionKind.DISCARD, author="you")
        assert decisions.last_counting(connection, one) == (drop, drop)
        decisions.add(connection, one, DecisionKind.UNDO, author="you", undoes=drop.id)
        events = decisions.history(connection, one)
        standing = decisions.standing(events)
    assert [event.kind for event in events] == ["keep", "rate", "discard", "undo"]
    assert (standing.verdict, standing.stars, standing.reason) == ("keep", 4, "the eyes")
    with archive.read() as connection:
        assert decisions.standings(connection, [one]) == {one: standing}
    with pytest.raises(IntegrityError), archive.write() as connection:
        decisions.add(connection, one, DecisionKind.UNDO, author="me", undoes=drop.id)
    assert keep.id < drop.id


def test_a_writer_waits_for_another_and_then_says_so(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from duktus.archive import archive as module

    monkeypatch.setattr(module, "_BUSY_MS", 1)
    holder = sqlite3.connect(archive.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(ConflictError, match="locked"), Archive(archive.path).write() as connection:
            assets.add_recipe(connection, BASE, recipe())
    finally:
        holder.close()


def test_a_series_grows_and_keeps_its_pictures(archive: Archive) -> None:
    cfgs, seeds = Axis(name="cfg", values=(3.0, 4.0)), Axis(name="seed", values=(1, 2))
    small = [recipe(cfg=cfg) for cfg in (3.0, 4.0)]
    grown = [recipe(cfg=cfg, seed=seed) for cfg in (3.0, 4.0) for seed in (1, 2)]
    first = Planned("s", "p1", (cfgs,), ((3.0,), (4.0,)), tuple(small), definition="one")
    places = tuple((cfg, seed) for cfg in (3.0, 4.0) for seed in (1, 2))
    second = Planned("s", "p2", (cfgs, seeds), places, tuple(grown), definition="two")
    one = asset(5).model_copy(update={"recipe": small[1]})
    with archive.write() as connection:
        series.add(connection, BASE, first)
        assets.add(connection, BASE, one)
        series.fill(connection, "s", 1, one.id)
    with archive.write() as connection:
        assert series.extend(connection, BASE, second) == 2
        assert series.extend(connection, BASE, second) == 0
    with archive.read() as connection:
        found = series.get(connection, "s")
        assert (series.plan_of(connection, "s"), series.definition_of(connection, "s")) == ("p2", "two")
    assert found.axes == (cfgs, seeds)
    assert [(cell.coordinates, cell.asset_id) for cell in found.cells] == [
        ((3.0, 1), None), ((4.0, 1), one.id), ((3.0, 2), None), ((4.0, 2), None),
    ]  # fmt: skip
    with pytest.raises(ConflictError, match="2 of 4 pictures"), archive.write() as connection:
        series.extend(connection, BASE, first)
    with archive.read() as connection:
        assert len(series.get(connection, "s").cells) == 4
