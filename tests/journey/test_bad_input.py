"""What people give by mistake: a clear message, exit 2, and an archive that did not change."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.journey.conftest import STYLE, Studio, fill_up
from tests.support.portfolio import TRIGGER, pixels, png_claiming, write_pictures
from tests.support.workspaces import Ran, environment, rows

Cli = Callable[..., Ran]
TEACH = ("style", "teach", "pictures", "--name", "new", "--trigger", TRIGGER)


def state(root: Path) -> tuple[object, ...]:
    """Everything the archive holds: every row, every kept file, every name given to one."""
    files = sorted(
        (path.relative_to(root).as_posix(), path.read_bytes())
        for folder in ("archive/store", "pictures", "styles")
        for path in (root / folder).rglob("*")
        if path.is_file()
    )
    return rows(root), files


def refused(ran: Ran, *words: str) -> None:
    """The command ended as a command should that a person can mend."""
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err
    assert "duktus: " in ran.err
    assert "why: " in ran.err or "\n- " in ran.err
    assert "next: " in ran.err


def nothing(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def truncated(folder: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(pixels(50, 200, 200)).save(whole, "JPEG", quality=95)
    (folder / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (folder / "cut.txt").write_text(f"{TRIGGER}, cut", encoding="utf-8")


def text_named_png(folder: Path) -> None:
    (folder / "notes.png").write_text("remember to scan the last drawing", encoding="utf-8")


def one_pixel(folder: Path) -> None:
    Image.fromarray(pixels(51, 5, 5)[:1, :1]).save(folder / "dot.png")


def huge(folder: Path) -> None:
    (folder / "huge.png").write_bytes(png_claiming(30_000, 30_000))


def twins(folder: Path) -> None:
    (folder / "again.png").write_bytes((folder / "p0.png").read_bytes())
    (folder / "again.txt").write_text(f"{TRIGGER}, again", encoding="utf-8")


def without_trigger(folder: Path) -> None:
    for path in folder.glob("*.txt"):
        path.write_text("a woman with red hair", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nothing, ["no pictures"]),
        (truncated, ["cut.jpg", "damaged or incomplete"]),
        (text_named_png, ["notes.png", "not a picture"]),
        (one_pixel, ["dot.png", "too small: 1 x 1"]),
        (huge, ["huge.png", "900,000,000 pixels"]),
        (twins, ["p0.png", "same picture"]),
        (without_trigger, [TRIGGER]),
    ],
)
def test_pictures_that_cannot_be_taught(
    cli: Cli, studio: Studio, spoil: Callable[[Path], None], words: list[str]
) -> None:
    spoil(write_pictures(studio.root / "pictures-in", 9))
    before = state(studio.root)
    teach = (*TEACH[:2], "pictures-in", *TEACH[3:])
    refused(cli(studio.root, *teach), *words)
    error = cli(studio.root, *teach, "--json")
    assert error.code == 2
    assert error.document["error"]["what"]
    assert state(studio.root) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["render", "a", "--sampler", "Eulerr"], ["sampler 'Eulerr' is unknown", "Did you mean 'Euler'?"]),
        (["sweep", "a", "--style", STYLE, "--strength", "abc"], ["strength 'abc' is not a number"]),
        (["render", "a", "--style", "sportrait-las"], ["No style is named", "Did you mean 'sportrait-laz'?"]),
        (["render", "a", "--cfg", "0.2"], ["cfg 0.2 cannot be used"]),
        (["sweep", "a", "--strength", "0,1"], ["strength was given with no styles"]),
        (["sweep", "a", "--name", "../../etc"], ["cannot name a series", "'etc'"]),
        (["sweep", "a", "--seed", "1..999", "--cfg", "1..40"], ["cells"]),
        (["render", "a", "--seed", "-1"], ["seed -1 cannot be used", "0 or more", "draws one"]),
        (["render", "a", "--sampler", "DPM++ 2M Karras"], ["--sampler 'DPM++ 2M' --schedule Karras"]),
        (["render", "a", "--control", "scribble:a.png:0.5"], ["called line here", "line:a.png:0.5"]),
        (["render", "a", "--out", "a.gif"], ["does not end in .png"]),
        (["sheet", "nothing", "--out", "a.png"], ["No series is named"]),
        (["verify", "a-00000000"], ["No asset is known"]),
    ],
)
def test_values_that_cannot_be_rendered(
    cli: Cli, studio: Studio, arguments: list[str], words: list[str]
) -> None:
    before = state(studio.root)
    refused(cli(studio.root, *arguments), *words)
    assert state(studio.root) == before


def test_an_optimiser_that_is_not_known(cli: Cli, studio: Studio) -> None:
    before = state(studio.root)
    refused(
        cli(studio.root, *TEACH, "--optimiser", "adan"),
        "optimiser 'adan' cannot be used",
        "'adamw', 'adafactor' or 'prodigy'",
    )
    assert state(studio.root) == before


def test_a_name_that_is_taken(cli: Cli, studio: Studio) -> None:
    write_pictures(studio.root / "pictures", 9)
    before = state(studio.root)
    taken = ("style", "teach", "pictures", "--name", STYLE, "--trigger", TRIGGER)
    refused(cli(studio.root, *taken), f"already a style named '{STYLE}'")
    assert state(studio.root) == before


def test_a_second_process_teaching_the_same_name(cli: Cli, studio: Studio) -> None:
    write_pictures(studio.root / "pictures", 9)
    before = state(studio.root)
    with subprocess.Popen(
        [sys.executable, "-m", "duktus", *TEACH],
        cwd=studio.root,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stderr is not None
        for line in first.stderr:
            if line.startswith("Trying it out"):  # said once the lock is held
                break
        refused(cli(studio.root, *TEACH), "already working on the style 'new'", str(first.pid))
        first.kill()
    assert state(studio.root) == before


def test_a_read_only_workspace(
    cli: Cli, studio: Studio, small_disk: Callable[[int], Path | None], tmp_path: Path
) -> None:
    root = studio.root
    disk = small_disk(64 << 20) if os.geteuid() == 0 else None
    if disk is not None:
        subprocess.run(["cp", "-a", str(root), str(disk / "workspace")], check=True)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        root = disk / "workspace"
    elif os.geteuid() == 0:
        pytest.skip("root may write everywhere here, and no disk can be mounted")
    else:
        for path in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            path.chmod(0o555)
    write_pictures(tmp_path / "pictures", 9)
    before = state(root)
    try:
        refused(cli(root, "render", f"{TRIGGER}, a woman", "--style", STYLE), "cannot be written")
        refused(cli(root, "sweep", "a", "--seed", "1,2", "--name", "s"), "cannot be written")
        refused(cli(root, *TEACH[:2], str(tmp_path / "pictures"), *TEACH[3:]), "cannot be written")
        refused(cli(root, "keep", "a-00000000"), "cannot be written")
        assert cli(root, "style", "list", "--json").document["styles"][0]["name"] == STYLE
        assert state(root) == before
    finally:
        if disk is None:
            for path in [root, *(path for path in root.rglob("*") if path.is_dir())]:
                path.chmod(0o755)


def test_a_full_disk(
    cli: Cli,
    studio: Studio,
    small_disk: Callable[[int], Path | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_pictures(tmp_path / "pictures", 9)
    teach = (*TEACH[:2], str(tmp_path / "pictures"), *TEACH[3:])
    disk = small_disk(24 << 20)
    root = studio.root
    before = state(root)
    if disk is None:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        refused(cli(root, "render", "a woman"), "full")
        refused(cli(root, "sweep", "a", "--seed", "1,2", "--name", "s"), "full")
        return
    root = disk / "workspace"
    subprocess.run(["cp", "-a", str(studio.root), str(root)], check=True)
    assert state(root) == before
    refused(cli(root, *teach), "room")  # the pre-flight knows before it starts
    ballast = fill_up(disk)
    refused(cli(root, *teach), "full")
    refused(cli(root, "render", "a woman"), "full")
    refused(cli(root, "sweep", "a", "--seed", "1,2", "--name", "s"), "full")
    ballast.unlink()
    assert state(root) == before
    assert cli(root, "render", "a woman", "--seed", "1").code == 0
