"""What a command does about the rest of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from duktus.actions import neighbours

BURN = "print(flush=True)\nwhile True: pass"


def test_a_busy_neighbour_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE) as burning:
        assert burning.stdout is not None
        burning.stdout.readline()
        try:
            assert neighbours.others(0.5) >= neighbours.BUSY
        finally:
            burning.kill()


@pytest.mark.parametrize(("load", "busy", "told"), [(0.1, 2.0, False), (3.0, 0.1, False), (3.0, 1.0, True)])
def test_threads_sleep_only_where_others_work_now(
    load: float, busy: float, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (load, load, load))
    monkeypatch.setattr(neighbours, "others", lambda: busy)
    environment: dict[str, str] = {}
    assert neighbours.wait_asleep_among_others(environment) is told
    assert environment == ({"OMP_WAIT_POLICY": "PASSIVE"} if told else {})


def test_what_a_person_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (9.0, 9.0, 9.0))
    environment = {"GOMP_SPINCOUNT": "5"}
    assert not neighbours.wait_asleep_among_others(environment)
    assert environment == {"GOMP_SPINCOUNT": "5"}


@pytest.mark.parametrize(
    "door",
    [
        "from duktus.cli.app import run; run(['style', 'teach', 'nowhere', '--name', 'x', '--trigger', 'y'])",
        "import duktus; duktus.open('here')",
    ],
)
def test_both_doors_tell_threads_before_torch_is_there(door: str, tmp_path: Path) -> None:
    asked = (
        "import os, psutil\n"
        "from duktus.actions import neighbours\n"
        "psutil.getloadavg = lambda: (9.0, 9.0, 9.0)\n"
        "neighbours.others = lambda: 1.0\n"
        f"{door}\n"
        "print(os.environ['OMP_WAIT_POLICY'])\n"
    )
    free = {name: value for name, value in os.environ.items() if not name.startswith(("OMP", "GOMP", "KMP"))}
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, env=free, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "PASSIVE"
