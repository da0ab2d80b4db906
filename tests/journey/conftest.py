"""The commands as people give them, on a small base with random weights."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base
from tests.support.workspaces import make_workspace

from duktus.cli.app import run

STYLE = "sportrait-laz"

DEFAULTS: dict[str, object] = {
    **MINIATURE_DEFAULTS,
    "render": {
        "width": 64,
        "height": 64,
        "steps": 3,
        "cfg": 3.0,
        "sampler": "DPM++ 2M",
        "schedule": "Karras",
    },
    "teach": {
        "steps": 6,
        "learning_rate": 1e-3,
        "batch": 2,
        "resolution": 64,
        "targets": "attention",
        "source": "a test",
    },
}


@dataclass(frozen=True)
class Studio:
    """A workspace in which a style was taught, and the bases it knows: ``tiny`` and ``other``."""

    root: Path
    bases: dict[str, Path]


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {
        name: write_tiny_base(folder / name, seed, channels=(32, 48), sample_size=8, duktus=DEFAULTS)
        for seed, name in enumerate(("tiny", "other"))
    }


@pytest.fixture(autouse=True)
def no_settings_of_mine(plain_environment: None) -> None:
    """Also where a test opens a workspace itself."""


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory, bases: dict[str, Path]) -> Path:
    """The workspace that every studio is a copy of; made once, because teaching takes the longest."""
    root = tmp_path_factory.mktemp("studio") / "workspace"
    new_workspace(root, bases)
    pictures = write_pictures(tmp_path_factory.mktemp("nine") / "my-pictures", 9)
    arguments = [
        "--workspace",
        str(root),
        "style",
        "teach",
        str(pictures),
        "--name",
        STYLE,
        "--trigger",
        TRIGGER,
    ]
    assert run(arguments) == 0
    return root


@pytest.fixture
def studio(tmp_path: Path, taught: Path, bases: dict[str, Path]) -> Studio:
    root = tmp_path / "workspace"
    shutil.copytree(taught, root)
    return Studio(root, bases)


def new_workspace(root: Path, bases: dict[str, Path]) -> Path:
    """A workspace that knows both bases and uses ``tiny``."""
    make_workspace(root, bases["tiny"])
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[bases.other]\nfolder = "{bases["other"]}"\n')
    return root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path | None]]:
    """Make a disk of so many bytes; None where this user may not mount one."""
    mounted: list[Path] = []

    def make(size: int) -> Path | None:
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)],
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            return None
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_up(place: Path) -> Path:
    """Write a file until the disk is full; remove it to get the room back."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    out.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017 - the loop is meant to end this way
    return ballast
