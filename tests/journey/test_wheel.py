"""An installed wheel holds everything: it renders with its own base, with no repository around."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.workspaces import REPOSITORY, command, environment

PICTURES = 9


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wheels, site = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(wheels), str(REPOSITORY)]
    subprocess.run([*pip, *build], check=True, env=environment({"PYTHONPATH": ""}))
    (wheel,) = wheels.glob("duktus-*.whl")
    install = ["install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run([*pip, *install], check=True, env=environment({"PYTHONPATH": ""}))
    return site


def test_it_carries_the_base_the_portraits_and_the_licence(installed: Path) -> None:
    package = installed / "duktus"
    assert (package / "miniature" / "weights" / "model_index.json").is_file()
    assert len(list((package / "miniature" / "portraits").glob("*.png"))) == PICTURES
    assert list((package / "archive" / "migrations" / "versions").glob("v0001*.py"))
    assert list(installed.glob("duktus-*.dist-info/licenses/LICENSE"))


def test_it_runs_with_no_repository_around(installed: Path, tmp_path: Path) -> None:
    there = {"PYTHONPATH": str(installed)}
    code = "import duktus; print(duktus.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(there),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(installed)
    ran = command(["render", "a smiling woman", "--seed", "1", "--steps", "2", "--json"], tmp_path, there)
    assert ran.code == 0, ran.err
    (asset,) = ran.document["assets"]
    assert Path(asset["path"]).is_file()
    assert asset["recipe"]["base"]["name"] == "miniature"
    assert f"Made a workspace in {tmp_path}" in ran.err
    assert command(["demo", "--help"], tmp_path, there).code == 0
