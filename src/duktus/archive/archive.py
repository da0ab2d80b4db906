"""The database file: opened on first use, brought up to date, read and written in short transactions.

SQLite in WAL mode with foreign keys on. ``synchronous=FULL``: each commit reaches the disk before the
command goes on. NORMAL would be faster, but after a power cut it may forget the last decisions a person
took, and one flush per rendered picture is not noticed beside the rendering.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DatabaseError

from duktus.archive.disk import full_disk, read_only
from duktus.archive.lock import Lock
from duktus.archive.schema import HEAD, METADATA
from duktus.domain.errors import ConflictError, StorageError, UserError

_BUSY_MS = 30_000


class Archive:
    """One archive file. Making the object touches nothing; the first writing transaction creates it.

    A file or folder that cannot be written is opened for reading only, so that listing and showing work on
    a read-only disk; writing then raises :class:`StorageError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine: Engine | None = None
        self._writable = True

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A connection that sees one consistent state. Where there is no archive yet it sees an empty one,
        and nothing is made on the disk.
        """
        there = self._engine is not None or self.path.exists()
        engine = self._opened() if there else create_engine("sqlite+pysqlite://")
        try:
            if not there:
                METADATA.create_all(engine)
            with self._explained(), engine.connect() as connection:
                yield connection
        finally:
            if not there:
                engine.dispose()

    @contextmanager
    def write(self) -> Generator[Connection]:
        """A connection that alone may write; committed when the block ends, undone when it raises."""
        engine = self._opened()
        if not self._writable:
            raise read_only(self.path)
        with self._explained(), engine.connect() as plain:
            connection = plain.execution_options(begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def ready(self) -> None:
        """Make the file if there is none, and bring an older one up to date."""
        self._opened()

    def version(self) -> str | None:
        """The migration this file is at; None where there is none."""
        with self.read() as connection:
            return _version(connection)

    def check(self) -> list[str]:
        """What SQLite's own integrity check finds wrong; empty when the file is sound."""
        with self.read() as connection:
            rows = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
        return [] if list(rows) == ["ok"] else [str(row) for row in rows]

    def _opened(self) -> Engine:
        if self._engine is not None:
            return self._engine
        with self._explained():
            if not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writable = os.access(self.path.parent, os.W_OK) and (
                not self.path.exists() or os.access(self.path, os.W_OK)
            )
            if not self._writable and not self.path.exists():
                raise read_only(self.path.parent)
            engine = _engine(self.path, writable=self._writable)
            with engine.connect() as connection:
                found = _version(connection)
            if found != HEAD:
                self._bring_up_to_date(engine, found)
        self._engine = engine
        return engine

    def _bring_up_to_date(self, engine: Engine, found: str | None) -> None:
        from duktus.archive.migrations.steps import known, upgrade  # noqa: PLC0415 - Alembic is slow to load

        if found is not None and found not in known():
            raise StorageError(
                f"{self.path} was written by a newer version of duktus.",
                f"It is at migration {found}; this version knows migrations up to {HEAD}.",
                "Install the newer duktus again; nothing was changed.",
            )
        if not self._writable:
            raise read_only(self.path)
        with (
            Lock(self.path.with_suffix(".lock"), "the archive's tables", wait=True),
            engine.connect() as plain,
        ):
            _without_keys(plain)  # a step that writes a table anew drops what others name
            connection = plain.execution_options(begin="BEGIN IMMEDIATE")
            with connection.begin():
                upgrade(connection)
                wrong = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                assert not wrong, f"a step of the migration broke keys: {wrong[:3]}"

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except DatabaseError as error:
            raise _words(error, self.path) from error


def _engine(path: Path, *, writable: bool) -> Engine:
    # A read-only folder cannot hold SQLite's shared-memory file; without a journal left over, the file can
    # be read as it stands.
    journal = path.with_name(path.name + "-wal")
    immutable = not writable and not (journal.exists() and journal.stat().st_size > 0)
    mode = "rwc" if writable else ("ro&immutable=1" if immutable else "ro")

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            timeout=_BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        return connection

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(str(connection.get_execution_options().get("begin", "BEGIN")))

    _ = begin
    return engine


def _without_keys(connection: Connection) -> None:
    """Switch foreign keys off for this connection, which SQLite allows outside a transaction only."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")


def _version(connection: Connection) -> str | None:
    there = connection.exec_driver_sql(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    ).scalar_one()
    if not there:
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()


def _words(error: DatabaseError, path: Path) -> UserError | DatabaseError:
    text = str(error.orig).lower()
    opening = "unable to open" in text or "disk i/o" in text  # SQLite's words for many causes
    if "full" in text or (opening and shutil.disk_usage(path.parent).free == 0):
        return full_disk(path.parent)
    if "readonly" in text or "read-only" in text:
        return read_only(path)
    if "locked" in text or "busy" in text:
        return ConflictError(
            f"{path} is locked.",
            f"Another process has been writing to it for more than {_BUSY_MS // 1000} seconds.",
            "Wait for that process, or stop it, then try again.",
        )
    if opening:
        return StorageError(
            f"{path} could not be opened.",
            "The disk is full, read-only or failing.",
            "Check free space and permissions of its folder (duktus doctor).",
        )
    if "malformed" in text or "not a database" in text:
        return StorageError(
            f"{path} is damaged.",
            f"SQLite says: {error.orig}.",
            "Restore it from a backup; the pictures in the store are not affected.",
        )
    return error
