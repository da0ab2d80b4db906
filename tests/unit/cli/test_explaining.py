"""Words of strangers on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.workspaces import make_workspace
from tools.foreign_pictures.written import png

from duktus.cli.app import run
from duktus.cli.explaining import harmless


def test_control_characters_are_shown_and_not_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_workspace(tmp_path / "w")
    text = "a\x1b]0;owned\x07 \u202ecat\nSteps: 1, Sampler: Euler, CFG scale: 1, Seed: 1"
    (tmp_path / "a.png").write_bytes(png({"parameters": text}))
    assert run(["--workspace", str(tmp_path / "w"), "show", str(tmp_path / "a.png")]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "a\\x1b]0;owned\\x07 \\u202ecat" in shown


def test_letters_of_every_script_stay() -> None:
    assert harmless("Mädchen 漢字 \U0001f600") == "Mädchen 漢字 \U0001f600"
    assert harmless("a\nb") == "a\\nb"
