from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.workspaces import environment

from duktus.archive import store as module
from duktus.archive.disk import explained, storage_error
from duktus.archive.lock import Lock
from duktus.archive.store import Store, copy_out, sweep, write_whole
from duktus.domain.canonical import sha256_hex
from duktus.domain.errors import ConflictError, StorageError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_file_is_kept_once_under_its_hash(store: Store) -> None:
    first, again = store.put(b"picture"), store.put(b"picture")
    assert first == again == sha256_hex(b"picture")
    assert store.path(first).read_bytes() == b"picture"
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == [first[2:]]
    assert stat.S_IMODE(store.path(first).stat().st_mode) == 0o444


def test_damage_is_noticed_on_reading_and_mended_by_keeping_again(store: Store) -> None:
    kept = store.put(b"picture")
    store.path(kept).chmod(0o644)
    store.path(kept).write_bytes(b"pixture")
    with pytest.raises(StorageError, match="damaged"):
        store.read(kept)
    store.put(b"picture")
    assert store.checked(kept).read_bytes() == b"picture"


def test_a_missing_file_is_told(store: Store) -> None:
    with pytest.raises(StorageError, match="missing"):
        store.read("0" * 64)


def test_names_for_people_cost_no_space(store: Store, tmp_path: Path) -> None:
    kept = store.put(b"picture")
    name = tmp_path / "pictures" / "01.png"
    store.name(kept, name)
    store.name(kept, name)
    assert name.samefile(store.path(kept))
    other = store.put(b"another")
    store.name(other, name)
    assert name.read_bytes() == b"another"
    assert store.read(kept) == b"picture"


def test_names_are_copies_where_there_are_no_hard_links(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    store.name(store.put(b"picture"), tmp_path / "01.png")
    assert (tmp_path / "01.png").read_bytes() == b"picture"


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_fills_up_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_whole(tmp_path / "file", b"old")
    monkeypatch.setattr(*((os, "fsync") if failing == "fsync" else (Path, "replace")), full)
    with pytest.raises(StorageError, match="full"), explained(tmp_path):
        write_whole(tmp_path / "file", b"new")
    with pytest.raises(StorageError, match="full"), explained(tmp_path):
        Store(tmp_path).put(b"picture")
    if failing == "replace":
        with pytest.raises(StorageError, match="full"), explained(tmp_path):
            copy_out(tmp_path / "file", tmp_path / "copy")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / "file"]
    assert files[0].read_bytes() == b"old"


def test_what_a_killed_process_was_writing_is_swept(store: Store, tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom duktus.archive.store import Store\n"
        "def hang(_):\n    print('writing', flush=True)\n    sys.stdin.read()\n"
        f"os.fsync = hang\nStore(Path({str(store.root)!r})).put(b'picture')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        assert sweep(store.writing) == 0  # it may still finish
        (left,) = store.writing.iterdir()
        writer.kill()
    kept = store.put(b"another")
    assert left.is_file()
    assert sweep(store.writing) == 1
    assert [path for path in store.root.rglob("*") if path.is_file()] == [store.path(kept)]
    mine = tmp_path / ".writing-mine.txt"
    mine.write_text("no process of ours wrote this")
    assert sweep(tmp_path) == 0
    assert sweep(tmp_path / "nowhere") == 0
    assert mine.is_file()


def test_disk_errors_are_found_behind_other_errors(tmp_path: Path) -> None:
    class SafetensorError(Exception):
        pass

    told = storage_error(SafetensorError("I/O error: No space left on device (os error 28)"), tmp_path)
    assert told is not None
    assert "full" in told.what
    wrapped = ValueError("outer")
    wrapped.__cause__ = OSError(errno.EROFS, "Read-only file system", str(tmp_path))
    told = storage_error(wrapped, tmp_path)
    assert told is not None
    assert "cannot be written" in told.what
    assert storage_error(ValueError("plain"), tmp_path) is None
    with pytest.raises(KeyError), explained(tmp_path):
        raise KeyError


def test_a_lock_holds_between_processes_and_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "style.lock"
    code = (
        "import sys\nfrom pathlib import Path\nfrom duktus.archive.lock import Lock\n"
        f"with Lock(Path({str(path)!r}), 'it'):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConflictError, match=f"process {holder.pid}"), Lock(path, "the style 'x'"):
            pass
        holder.kill()
    with Lock(path, "the style 'x'"):
        pass


def test_a_released_lock_leaves_no_file_and_still_lets_one_in_at_a_time(tmp_path: Path) -> None:
    """Those who wait hold a file that is removed under them."""
    path = tmp_path / "locks" / "style.lock"
    inside: list[int] = []
    crowds: list[int] = []

    def enter(_: int) -> None:
        for _round in range(30):
            with Lock(path, "it", wait=True):
                inside.append(1)
                path.with_suffix(".seen").write_bytes(b"")
                crowds.append(len(inside))
                inside.pop()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(8)))
    assert crowds == [1] * 240
    assert [one.name for one in path.parent.iterdir()] == ["style.seen"]


def test_hashing_a_file_reads_it_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)
    (tmp_path / "file").write_bytes(b"0123456789")
    assert module.file_sha256(tmp_path / "file") == sha256_hex(b"0123456789")
