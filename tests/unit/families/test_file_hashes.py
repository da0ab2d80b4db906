"""Remembered hashes: believed only while nothing touched the file, never by who proves something."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.forged_hashes import believed, forge, later
from tests.support.workspaces import environment

from duktus.families import file_hashes
from duktus.families.file_hashes import EVERY_BYTE, SETTLED, Remembered, tells_changes

FALSE = "f" * 64
WRITER = """
import sys
from pathlib import Path
from duktus.families.file_hashes import Remembered
kept = Remembered(Path(sys.argv[1]), believes=False, least=0, clock=lambda: 1 << 62)
files = [Path(name) for name in sys.argv[2:]]
while True:
    for file in files:
        kept.of(file)
    print("round", flush=True)
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not tells_changes(str(tmp_path)):
        pytest.skip("the file system of temporary files does not tell changes")
    return tmp_path / "hashes"


@pytest.fixture
def memory(folder: Path) -> Remembered:
    return Remembered(folder, least=0, clock=later)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"one" * 1000)
    return path


def rewrite(path: Path, content: bytes) -> None:
    """Write in place, as often as the clock of the file system needs to move on."""
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        path.write_bytes(content)


def test_an_untouched_file_has_the_hash_that_was_noted(memory: Remembered, weights: Path) -> None:
    assert memory.of(weights) == sha256(weights)
    forge(memory, weights, FALSE)
    assert memory.of(weights) == FALSE, "the note was not used"
    link = weights.with_name("link")
    link.symlink_to(weights)
    assert memory.of(link) == FALSE, "one file under two names has one note"


def test_who_proves_believes_nothing_and_puts_the_note_right(memory: Remembered, weights: Path) -> None:
    forge(memory, weights, FALSE)
    assert EVERY_BYTE.of(weights) == EVERY_BYTE.proving().of(weights) == sha256(weights)
    assert memory.of(weights) == FALSE
    assert memory.proving().of(weights) == sha256(weights)
    assert memory.of(weights) == sha256(weights)


@pytest.mark.parametrize("back", [False, True], ids=["written", "mtime set back"])
def test_other_content_of_the_same_size_is_found(memory: Remembered, weights: Path, *, back: bool) -> None:
    old, said = memory.of(weights), weights.stat()
    rewrite(weights, b"two" * 1000)
    if back:
        os.utime(weights, ns=(said.st_atime_ns, said.st_mtime_ns))
        assert weights.stat().st_mtime_ns == said.st_mtime_ns
    assert weights.stat().st_size == said.st_size
    assert memory.of(weights) == sha256(weights) != old


def test_another_file_under_the_same_name_is_found(memory: Remembered, weights: Path) -> None:
    old, said = memory.of(weights), weights.stat()
    other = weights.with_name("other")
    other.write_bytes(b"two" * 1000)
    os.utime(other, ns=(said.st_atime_ns, said.st_mtime_ns))
    other.replace(weights)
    assert memory.of(weights) == sha256(weights) != old


def test_a_file_with_the_same_times_in_an_exchanged_folder_is_found(
    memory: Remembered, tmp_path: Path
) -> None:
    """Renaming a folder moves no time of the files in it; only the inode tells."""
    for number in range(100):
        one, other = tmp_path / f"one-{number}", tmp_path / f"other-{number}"
        for folder in (one, other):
            folder.mkdir()
        for folder, content in ((one, b"one"), (other, b"two")):  # not by open(), which asks for the times:
            file = os.open(folder / "weights", os.O_CREAT | os.O_WRONLY)  # newer kernels then give finer ones
            os.write(file, content)
            os.close(file)
        first, second = ((folder / "weights").stat() for folder in (one, other))
        if (first.st_mtime_ns, first.st_ctime_ns) == (second.st_mtime_ns, second.st_ctime_ns):
            break
    else:
        pytest.skip("the clock of the file system is too fine for two files of one time")
    memory.of(one / "weights")
    one.rename(tmp_path / "away")
    other.rename(one)
    assert memory.of(one / "weights") == hashlib.sha256(b"two").hexdigest()


def test_a_file_just_written_is_not_noted(folder: Path, weights: Path) -> None:
    written = weights.stat().st_ctime_ns
    assert Remembered(folder, least=0, clock=lambda: written + SETTLED - 1).of(weights) == sha256(weights)
    assert not folder.exists()
    assert Remembered(folder, least=0, clock=lambda: written + SETTLED).of(weights) == sha256(weights)
    assert believed(Remembered(folder, least=0), weights)
    ahead = weights.with_name("ahead")
    ahead.write_bytes(b"x")
    os.utime(ahead, ns=(0, time.time_ns() + 10**15))
    assert Remembered(folder, least=0).of(ahead) == sha256(ahead)
    assert not believed(Remembered(folder, least=0), ahead), "its mtime lies in the future"


def test_a_file_written_while_it_is_read_is_not_noted(
    memory: Remembered, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = file_hashes._digest

    def slow(file):
        found = digest(file)
        rewrite(weights, b"two" * 1000)
        return found

    with monkeypatch.context() as there:
        there.setattr(file_hashes, "_digest", slow)
        memory.of(weights)
    assert not memory.folder.exists()
    assert memory.of(weights) == sha256(weights)


@pytest.mark.parametrize("damage", ["empty", "cut", "one bit", "of another file", "large", "a folder"])
def test_a_damaged_note_is_none_and_is_written_anew(memory: Remembered, weights: Path, damage: str) -> None:
    memory.of(weights)
    (note,) = memory.folder.iterdir()
    whole = note.read_bytes()
    match damage:
        case "empty":
            note.write_bytes(b"")
        case "cut":
            note.write_bytes(whole[:-20])
        case "one bit":  # within the hash that is noted
            at = whole.index(sha256(weights).encode())
            note.write_bytes(whole[:at] + (b"0" if whole[at : at + 1] != b"0" else b"1") + whole[at + 1 :])
        case "of another file":
            other = weights.with_name("other")
            other.write_bytes(b"other")
            memory.of(other)
            next(one for one in memory.folder.iterdir() if one != note).replace(note)
        case "large":
            note.write_bytes(whole + b"x" * 10_000)
        case _:
            note.unlink()
            note.mkdir()
    assert memory.of(weights) == sha256(weights)
    if damage != "a folder":
        assert note.read_bytes() == whole


def test_where_nothing_can_be_written_files_are_hashed_all_the_same(folder: Path, weights: Path) -> None:
    folder.write_bytes(b"a file where the folder should be")
    memory = Remembered(folder, least=0, clock=later)
    assert memory.of(weights) == memory.of(weights) == sha256(weights)
    closed = folder.with_name("closed")
    closed.mkdir()
    closed.chmod(0o500)  # root writes there all the same
    assert Remembered(closed / "hashes", least=0, clock=later).of(weights) == sha256(weights)
    closed.chmod(0o700)


def test_no_folder_becomes_a_workspace_by_hashing(folder: Path, weights: Path) -> None:
    place = folder / "archive" / "hashes"
    assert Remembered(place, least=0, clock=later).of(weights) == sha256(weights)
    assert not folder.exists()


def test_small_files_are_not_worth_a_note(folder: Path, weights: Path) -> None:
    assert Remembered(folder, clock=later).of(weights) == sha256(weights)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's own files")
def test_a_file_system_that_does_not_tell_changes_is_not_believed(folder: Path) -> None:
    place = Path("/proc/version")
    assert not tells_changes(str(place))
    assert Remembered(folder, least=0, clock=later).of(place) == sha256(place)
    assert not folder.exists()


def test_a_file_that_is_not_there_is_an_error_of_the_system(memory: Remembered, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        memory.of(tmp_path / "nothing")


def test_processes_that_note_at_once_and_are_killed_leave_true_notes(
    memory: Remembered, weights: Path, tmp_path: Path
) -> None:
    files = [weights, *(tmp_path / f"{number}.safetensors" for number in range(3))]
    for number, file in enumerate(files[1:]):
        file.write_bytes(bytes([number]) * 5000)
    right = [sha256(file) for file in files]
    arguments = [sys.executable, "-c", WRITER, str(memory.folder), *map(str, files)]
    writers = [subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment()) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"round\n"
        for _ in range(30):
            assert [memory.of(file) for file in files] == right
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert all(believed(memory, file) for file in files)
    left = memory.folder / f".{next(memory.folder.glob('*.json')).name}.killed.part"
    left.write_bytes(b"half")
    assert [memory.proving().of(file) for file in files] == right
    assert not list(memory.folder.glob(".*"))
