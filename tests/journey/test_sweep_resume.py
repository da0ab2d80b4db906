"""A sweep killed in the middle: the same command goes on with what is missing, to the same pictures."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.journey.conftest import STYLE, Studio, new_workspace
from tests.support.loading import loaded
from tests.support.portfolio import TRIGGER
from tests.support.workspaces import Ran, environment, rows

Cli = Callable[..., Ran]
SWEEP = (
    "sweep", f"{TRIGGER}, a woman", "--style", STYLE, "--strength", "0,0.5,1", "--cfg", "2,4",
    "--seed", "1..2", "--name", "twelve", "--json",
)  # fmt: skip
CELLS = 12


def start_and_stop(root: Path, number: signal.Signals) -> int:
    """Give the sweep in a process of its own, stop it after at least four pictures; its exit code."""
    with subprocess.Popen(
        [sys.executable, "-m", "duktus", *SWEEP],
        cwd=root,
        env=environment({"DUKTUS_BATCH": "2", "PYTHONUNBUFFERED": "1"}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("pictures: 4 of 12"):
                process.send_signal(number)
                break
        process.stderr.read()
        return process.wait()


def pictures(document: dict[str, Any]) -> dict[str, bytes]:
    """Each picture's bytes by its place on the axes."""
    assets = document["series"]["assets"]
    return {str(one["coordinates"]): Path(one["path"]).read_bytes() for one in assets}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_goes_on(cli: Cli, studio: Studio, tmp_path: Path, number: signal.Signals) -> None:
    code = start_and_stop(studio.root, number)
    assert code == (130 if number is signal.SIGINT else -signal.SIGKILL)
    listed = cli(studio.root, "series", "list", "--json").document["series"]
    (one,) = listed
    assert (one["name"], one["cells"]) == ("twelve", CELLS)
    assert 0 < one["rendered"] < CELLS
    first = cli(studio.root, "series", "show", "twelve", "--json").document

    done = cli(studio.root, *SWEEP)
    assert done.code == 0
    assert done.document["series"]["rendered"] == CELLS - one["rendered"]
    assert pictures(first).items() <= pictures(done.document).items()

    again = cli(studio.root, *SWEEP)
    assert again.document["series"]["rendered"] == 0
    assert pictures(again.document) == pictures(done.document)


def test_the_pictures_are_those_of_a_sweep_that_was_never_stopped(
    cli: Cli, studio: Studio, taught: Path, tmp_path: Path
) -> None:
    start_and_stop(studio.root, signal.SIGKILL)
    stopped = pictures(cli(studio.root, *SWEEP).document)
    shutil.copytree(taught, tmp_path / "other")
    whole = cli(tmp_path / "other", *SWEEP).document
    assert whole["series"]["rendered"] == CELLS
    assert pictures(whole) == stopped


def test_a_picture_lost_from_the_store_is_rendered_again(cli: Cli, studio: Studio) -> None:
    first = cli(studio.root, *SWEEP).document
    lost = first["series"]["assets"][5]
    kept = studio.root / "archive" / "store" / lost["file_hash"][:2] / lost["file_hash"][2:]
    kept.unlink()
    Path(lost["path"]).unlink()
    again = cli(studio.root, *SWEEP).document
    assert again["series"]["rendered"] == 1
    assert again["series"]["assets"][5]["id"] == lost["id"]
    assert kept.is_file()
    assert Path(lost["path"]).is_file()


def test_a_sweep_that_is_done_loads_no_torch(cli: Cli, studio: Studio) -> None:
    assert cli(studio.root, *SWEEP).code == 0
    heavy = {"torch", "diffusers", "transformers"}
    assert not loaded(SWEEP, studio.root) & heavy
    assert not loaded(("series", "resume", "twelve"), studio.root) & heavy


def test_another_plan_under_the_same_name_is_refused(cli: Cli, studio: Studio) -> None:
    assert cli(studio.root, *SWEEP).code == 0
    before = rows(studio.root)
    other = [*SWEEP]
    other[other.index("--cfg") + 1] = "2,5"
    ran = cli(studio.root, *other)
    assert ran.code == 2
    assert "already a series named 'twelve'" in ran.document["error"]["what"]
    assert "--name" in ran.document["error"]["next_step"]
    assert rows(studio.root) == before


def test_axes_that_change_nothing_are_told(cli: Cli, studio: Studio) -> None:
    ran = cli(studio.root, "sweep", "a", "--negative", "one|two", "--cfg", "1,2", "--name", "same", "--json")
    notes = ran.document["series"]["notes"]
    # Without guidance (cfg 1) the negative prompt has no say.
    assert notes == ["negative made no difference in 1 of 2 places (between one and two)."]
    assert notes[0] in ran.err
    assert cli(studio.root, "series", "show", "same", "--json").document["series"]["notes"] == notes


def test_a_prompt_without_the_trigger_is_noted(cli: Cli, studio: Studio) -> None:
    ran = cli(studio.root, "render", "a woman", "--style", STYLE, "--seed", "1", "--json")
    assert ran.code == 0
    assert TRIGGER in ran.document["notes"][0]


def test_a_series_without_a_name_is_found_again_by_its_plan(
    cli: Cli, tmp_path: Path, bases: dict[str, Path]
) -> None:
    root = new_workspace(tmp_path / "fresh", bases)
    first = cli(root, "sweep", "A woman, smiling", "--seed", "1..2", "--json").document["series"]
    second = cli(root, "sweep", "A woman, smiling", "--seed", "1..2", "--json").document["series"]
    assert first["name"].startswith("a-woman-smiling-")
    assert second["name"] == first["name"]
    assert (first["rendered"], second["rendered"]) == (2, 0)
    names = sorted(path.name for path in (root / "pictures" / first["name"]).iterdir())
    assert names == [f"{n:02d}-{one['id']}.png" for n, one in enumerate(first["assets"], start=1)]
