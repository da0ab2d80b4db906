"""``style check`` and ``style import`` as people give them, on the miniature's modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import foreign_styles as foreign
from tests.support.foreign_styles import ab, save, taught
from tests.support.workspaces import command

from duktus.cli.app import run
from duktus.families.style_files.truth import of_folder
from duktus.miniature import weights_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DUKTUS_WORKSPACE", raising=False)
    return tmp_path


def test_a_file_is_checked_mended_and_nothing_else_is_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = of_folder(weights_folder(), "sd15", "miniature")
    pairs = taught(truth)
    file = save(place / "theirs.safetensors", ab(pairs, "unet."), foreign.peft_metadata("unet"))
    assert run(["style", "check", str(file), "--repair", "--out", "mended.safetensors"]) == 0
    told = capsys.readouterr().out
    assert "a style for the base miniature (sd15)" in told
    assert "alpha only in the metadata" in told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    part, whole = f"{len(pairs) // 5} of {len(pairs)}", f"{len(pairs)} of {len(pairs)}"
    assert any(line.startswith(f"ComfyUI {part} strength 2.00 by measured rule") for line in lines)
    assert sum(line.startswith(f"diffusers {whole} strength 1.00 loaded here") for line in lines) == 2
    assert any(line.startswith(f"A1111 {whole} strength 1.00") for line in lines)
    assert {path.name for path in place.iterdir()} == {"theirs.safetensors", "mended.safetensors"}


@pytest.mark.slow
def test_nothing_but_our_own_words_on_stderr(place: Path) -> None:
    truth = of_folder(weights_folder(), "sd15", "miniature")
    save(place / "theirs.safetensors", ab(taught(truth), "unet."), foreign.peft_metadata("unet"))
    ran = command(["style", "check", "theirs.safetensors"], place)
    assert ran.code == 0
    assert "loaded here" in ran.out
    assert ran.err.splitlines() == ["Loading theirs.safetensors with diffusers."]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nothing.safetensors"], "is not a file"),
        (["check", "torn.safetensors"], "is damaged"),
        (["check", "torn.safetensors", "--metadata", "all"], "metadata 'all' is unknown"),
        (["import", "torn.safetensors"], "is damaged"),
    ],
)
def test_what_cannot_be_read_is_said_and_ends_with_2(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (place / "torn.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    assert run(["style", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in place.iterdir()] == ["torn.safetensors"]
