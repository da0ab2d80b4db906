"""Workspaces on the tiny base, and domain objects made up for the archive."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duktus.actions.workspace import Workspace
from duktus.domain.asset import Asset, Facts
from duktus.domain.base import Base, RenderDefaults, Role
from duktus.domain.canonical import sha256_hex, short_id
from duktus.domain.recipe import AdapterRef, BaseRef, Recipe, Sampler, Schedule
from duktus.domain.style import Outcome, Style, TeachSettings, Verdict
from duktus.wiring import workspace_at

REPOSITORY = Path(__file__).parents[2]

BASE = Base(
    name="tiny",
    family="sd15",
    weights=sha256_hex(b"weights"),
    folder=Path("nowhere"),
    role=Role.TEACH_AND_RENDER,
    render=RenderDefaults(
        width=64, height=64, steps=4, cfg=3.0, sampler=Sampler.DPMPP_2M, schedule=Schedule.KARRAS
    ),
)

FACTS = Facts(
    device="cpu", device_name="a cpu", instruction_set="none", threads=1, versions={"torch": "1"}, seconds=1.0
)


def recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "base": BaseRef(name=BASE.name, weights=BASE.weights),
        "prompt": "a woman",
        "seed": 1,
        "steps": 4,
        "cfg": 3.0,
        "sampler": Sampler.DPMPP_2M,
        "schedule": Schedule.KARRAS,
        "width": 64,
        "height": 64,
    }
    return Recipe(**{**values, **changes})


def asset(number: int = 0, *, pixels: str | None = None, **changes: Any) -> Asset:
    file_hash = sha256_hex(f"file {number}".encode())
    return Asset(
        id=short_id("a", file_hash),
        file_hash=file_hash,
        pixel_hash=sha256_hex((pixels or f"pixels {number}").encode()),
        path=f"pictures/single/{short_id('a', file_hash)}.png",
        recipe=recipe(seed=number, **changes),
        facts=FACTS,
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def style(name: str = "hand", *, tensors: str = "tensors", base: Base = BASE) -> Style:
    return Style(
        name=name,
        hash=sha256_hex(tensors.encode()),
        file_hash=sha256_hex(f"file of {tensors}".encode()),
        trigger="sportrait-laz",
        base=base.ref,
        family=base.family,
        settings=TeachSettings(trigger="sportrait-laz", steps=4, learning_rate=1e-3, resolution=64),
        steps=4,
        seconds=2.0,
        verdict=Verdict(outcome=Outcome.GOOD, best_step=4, reasons=("it learned",), next_step="sweep"),
        curve=(),
        training_pictures=(sha256_hex(b"one"), sha256_hex(b"two")),
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def adapter(one: Style, strength: float = 1.0) -> AdapterRef:
    return AdapterRef(name=one.name, style=one.hash, strength=strength)


def make_workspace(root: Path, base: Path | None = None) -> Workspace:
    """A workspace in ``root`` whose base is the folder ``base`` under the name ``tiny``."""
    root.mkdir(parents=True, exist_ok=True)
    if base is not None:
        text = f'base = "tiny"\ndevice = "cpu"\n\n[bases.tiny]\nfolder = {json.dumps(str(base))}\n'
        (root / "duktus.toml").write_text(text, encoding="utf-8")
    workspace = workspace_at(root, {})
    workspace.prepare()
    return workspace


def rows(workspace: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of an archive, to say that nothing changed."""
    path = workspace / "archive" / "archive.sqlite"
    # A read-only disk has no room for SQLite's shared memory; without a journal none is needed.
    still = not path.with_name("archive.sqlite-wal").exists()
    connection = sqlite3.connect(f"file:{path}?mode=ro{'&immutable=1' if still else ''}", uri=True)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in names
        }
    finally:
        connection.close()


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a command of its own process: one thread, no settings of the person running it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DUKTUS_")}
    return {
        **kept,
        "PYTHONPATH": str(REPOSITORY / "src"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
        "COLUMNS": "100",
        **(changes or {}),
    }


def command(arguments: Sequence[str], cwd: Path, changes: Mapping[str, str] | None = None) -> Ran:
    """Run ``duktus`` with arguments in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "duktus", *arguments],
        cwd=cwd,
        env=environment(changes),
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
