"""The command line without torch: parsing, errors, documents, exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support import workspaces
from tests.support.workspaces import Ran, asset, make_workspace

from duktus.actions.progress import Tick
from duktus.archive import assets
from duktus.archive.series import Planned, add, fill
from duktus.cli import outcome
from duktus.cli.app import run
from duktus.cli.asking import Asked, request
from duktus.cli.terminal import Terminal, duration
from duktus.domain.errors import InputError
from duktus.domain.series import Axis

Cli = Callable[..., Ran]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    for name in ("DUKTUS_WORKSPACE", "DUKTUS_BASE", "DUKTUS_DEVICE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    """A workspace with a series of three assets without files; their ids."""
    made = [asset(number) for number in range(3)]
    axis = Axis(name="seed", values=(0, 1, 2))
    planned = Planned("s", "0" * 64, (axis,), ((0,), (1,), (2,)), tuple(one.recipe for one in made))
    with make_workspace(tmp_path).archive.write() as connection:
        add(connection, workspaces.BASE, planned)
        for position, one in enumerate(made):
            assets.add(connection, workspaces.BASE, one)
            fill(connection, "s", position, one.id)
    return [one.id for one in made]


def test_init_makes_a_workspace_and_says_so(cli: Cli, tmp_path: Path) -> None:
    first = cli("init", "new", "--json")
    assert first.code == 0
    assert first.document == {"workspace": {"path": str(tmp_path / "new"), "new": True}}
    assert cli("init", "new", "--json").document["workspace"]["new"] is False
    assert (tmp_path / "new" / "archive" / "archive.sqlite").is_file()


def test_reading_commands_outside_a_workspace_say_what_to_do(cli: Cli, tmp_path: Path) -> None:
    for words in (["series", "list"], ["style", "show", "x"], ["keep", "a-1234"], ["undo"]):
        ran = cli(*words)
        assert ran.code == 2
        assert "duktus init" in ran.err
        assert ran.out == ""
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_can_be_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_workspace(tmp_path / "there")
    assert cli("--workspace", "there", "series", "list", "--json").document == {"series": []}
    monkeypatch.setenv("DUKTUS_WORKSPACE", str(tmp_path / "there"))
    assert cli("series", "list", "--json").code == 0
    assert cli("--workspace", "nowhere", "series", "list").code == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["sweep", "a", "--style", "x", "--strength", "abc"], "strength 'abc' is not a number."),
        (["render", "a", "--sampler", "Eulr"], "sampler 'Eulr' is unknown."),
        (["render", "a", "--cfg", "3,4"], "cfg was given 2 values."),
        (["render", "a", "--size", "13"], "size '13' cannot be rendered."),
        (["sweep", "a", "--seed", "1..3", "--count", "2"], "Both --count and a list of seeds"),
        (["render", "a", "--count", "0"], "count 0"),
        (["render", "a", "--style", "x:1", "--style", "x:2"], "named twice"),
        (["rate", "a-1234567", "many"], "not a number of stars"),
        (["render"], "There is nothing to draw."),
        (["render", "a", "--bogus"], "No such option"),
        (["nonsense"], "No such command"),
        (["style", "teach", "x", "--name", "n"], "Missing option"),
    ],
)
def test_what_cannot_be_used_ends_2_with_a_sentence_and_a_next_step(
    cli: Cli, tmp_path: Path, arguments: list[str], word: str
) -> None:
    make_workspace(tmp_path)
    ran = cli(*arguments)
    assert ran.code == 2
    assert word in ran.err
    assert "next: " in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    error = cli(*arguments, "--json").document["error"]
    assert word in error["what"]
    assert error["next_step"]
    assert set(error) == {"kind", "what", "why", "next_step"}


def test_decisions_and_undo(cli: Cli, three: list[str]) -> None:
    kept = cli("keep", three[0], three[1][:8], "--reason", "the eyes", "--json").document["decisions"]
    assert [one["asset_id"] for one in kept] == three[:2]
    assert cli("rate", three[0], "4").code == 0
    assert cli("discard", three[1]).out == f"discarded {three[1]}\n"
    shown = cli("series", "show", "s", "--json").document["series"]["assets"]
    assert [one["standing"]["verdict"] for one in shown] == ["keep", "discard", None]
    assert shown[0]["standing"]["stars"] == 4
    assert cli("undo", "--json").document["undone"]["kind"] == "discard"
    assert cli("undo", three[0], "--json").document["undone"]["kind"] == "rate"
    text = cli("series", "show", "s").out
    assert re.search(rf"{three[1]}.*keep", text)


def test_an_unknown_asset_among_several_changes_nothing(cli: Cli, three: list[str], tmp_path: Path) -> None:
    before = workspaces.rows(tmp_path)
    assert cli("keep", three[0], "a-ffffffff").code == 2
    assert cli("rate", three[0], "9").code == 2
    assert workspaces.rows(tmp_path) == before


def test_series_list(cli: Cli, three: list[str]) -> None:
    (found,) = cli("series", "list", "--json").document["series"]
    assert (found["name"], found["cells"], found["rendered"]) == ("s", 3, 3)
    assert "3 of 3" in cli("series", "list").out


def test_ids_and_paths_are_whole_in_json(cli: Cli, three: list[str], tmp_path: Path) -> None:
    listed = cli("series", "show", "s", "--json").document["series"]
    assert listed["cells"] == 3
    assert [one["id"] for one in listed["assets"]] == three
    for one in listed["assets"]:
        assert Path(one["path"]).is_absolute()
        assert one["recipe"]["prompt"] == "a woman"
        assert one["coordinates"] == {"seed": one["recipe"]["seed"]}


def test_a_bug_is_told_with_its_traceback_and_ends_1(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workspace(tmp_path)

    def broken(*_: object) -> Any:
        raise RuntimeError("impossible")

    monkeypatch.setattr("duktus.actions.series.list_series", broken)
    ran = cli("series", "list", "--json")
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert ran.document["error"] == {"kind": "Bug", "what": "RuntimeError: impossible"}


def test_a_disk_error_of_any_library_is_told_as_such(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workspace(tmp_path)

    def full(*_: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("duktus.actions.series.list_series", full)
    ran = cli("series", "list")
    assert ran.code == 2
    assert "is full" in ran.err


def test_ctrl_c_ends_130_with_one_document(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_workspace(tmp_path)

    def stopped(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("duktus.actions.series.list_series", stopped)
    ran = cli("series", "list", "--json")
    assert ran.code == outcome.STOPPED == 130
    assert ran.document["error"]["kind"] == "Stopped"


def test_requests() -> None:
    asked = Asked(
        prompts=["a | b", "c"],
        style=["hand:0.8"],
        strength="0..1/3",
        seed="5",
        count=2,
        sampler=["Euler", "ddim"],
        size="64,128x64",
    )
    made = request(asked, several=True)
    assert made.prompts == ("a", "b", "c")
    assert made.styles == (("hand", 0.8),)
    assert made.strengths == (0, 0.5, 1)
    assert made.seeds == (5, 6)
    assert [str(one) for one in made.samplers] == ["Euler", "DDIM"]
    assert made.sizes == ((64, 64), (128, 64))
    one = request(Asked(prompts=["a | b"]), several=False)
    assert one.prompts == ("a | b",)
    assert request(Asked(prompts=["a"]), several=True).seeds == (1,)
    with pytest.raises(InputError, match="duktus sweep"):
        request(Asked(prompts=["a"], steps="1,2"), several=False)


def test_progress_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal:
        for done in range(101):
            terminal.tick(Tick("steps", done, 100, seconds_left=100.0 - done, detail="loss 0.1"))
        terminal.say("done [not markup]")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "steps: 0 of 100, 1 min 40 s left, loss 0.1"
    assert lines[-2:] == ["steps: 100 of 100, loss 0.1", "done [not markup]"]
    assert len(lines) == 12


def test_progress_where_a_person_watches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    terminal = Terminal()
    with terminal:
        terminal.tick(Tick("pictures", 0, 2))
        terminal.say("a note [1]")
        terminal.tick(Tick("pictures", 1, 2, 3.0))
        terminal.tick(Tick("pictures", 2, 2, 0.0))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a note [1]" in captured.err
    assert "pictures: 2 of 2" in captured.err


def test_durations() -> None:
    assert [duration(s) for s in (0.4, 89, 90, 600, 7200)] == [
        "0 s",
        "89 s",
        "1 min 30 s",
        "10 min 00 s",
        "2 h 00 min",
    ]


def test_documents_are_json_without_escapes(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "Zürich"
    ran = cli("init", str(folder), "--json")
    assert "Zürich" in ran.out
    assert json.loads(ran.out)["workspace"]["path"] == str(folder)
