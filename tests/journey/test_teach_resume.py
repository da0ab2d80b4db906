"""A training run killed with SIGKILL goes on as if nothing had happened: the last bit is the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base

ROOT = Path(__file__).parents[2]
STEPS = 24
CHILD = f"""
import json, os, sys
from pathlib import Path
from duktus.domain.style import TeachSettings
from duktus.families import registry
from duktus.training import Stepped, read_training_set
from duktus.training.teach import teach

base_folder, pictures, run, mode = sys.argv[1:]
family = registry.family_of(Path(base_folder))
base = family.describe(Path(base_folder), "tiny")
settings = TeachSettings(
    trigger="{TRIGGER}", steps={STEPS}, learning_rate=1e-3, rank=4, alpha=4, batch=2, resolution=64,
    evaluate_every=6, checkpoint_every=3, probe_timesteps=2, probe_draws=1, crops=2, patience=None,
    **json.loads(os.environ.get("SETTINGS", "{{}}")),
)

def wait_for_the_end():
    sys.stdin.read()  # until killed

def tell(event):
    if isinstance(event, Stepped):
        print("step", event.step, flush=True)
        if mode != "finish" and event.step == settings.steps:
            wait_for_the_end()

if mode == "hang while saving":
    honest = os.fsync
    calls = []

    def fsync(handle):
        calls.append(handle)
        if len(calls) == 7:
            print("saving", flush=True)
            wait_for_the_end()
        honest(handle)

    os.fsync = fsync

teach(
    base, read_training_set(Path(pictures), trigger="{TRIGGER}", resolution=64), settings, Path(run),
    resume=True, on_event=tell,
)
print("finished", flush=True)
"""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("material")
    base = write_tiny_base(folder / "base", channels=(32, 48), sample_size=8, duktus=MINIATURE_DEFAULTS)
    return base, write_pictures(folder / "pictures", 7)


@pytest.fixture(scope="module")
def whole(material: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    assert "finished" in until(start(material, run, "finish"), "finished")
    return run


def start(material: tuple[Path, Path], run: Path, mode: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, material), str(run), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )


def until(child: subprocess.Popen[str], line: str) -> list[str]:
    """What the child printed up to that line, or up to its end."""
    assert child.stdout is not None
    seen: list[str] = []
    for printed in child.stdout:
        seen.append(printed.strip())
        if seen[-1] == line:
            break
    if line == "finished":
        child.communicate()
        assert child.returncode == 0
    return seen


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()
    assert child.returncode == -signal.SIGKILL


def assert_same(one: Path, other: Path) -> None:
    assert (one / "style.safetensors").read_bytes() == (other / "style.safetensors").read_bytes()
    last = f"checkpoints/step-{STEPS:06d}.safetensors"
    a, b = load_file(one / last), load_file(other / last)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_killed_at_a_random_step_it_goes_on_bit_for_bit(
    material: tuple[Path, Path], whole: Path, tmp_path: Path
) -> None:
    step = random.SystemRandom().randint(4, STEPS - 1)
    run = tmp_path / "run"
    child = start(material, run, "train")
    assert until(child, f"step {step}")[-1] == f"step {step}"
    kill(child)
    saved = sorted((run / "checkpoints").glob("step-*.safetensors"))
    assert saved, f"killed at step {step}"
    assert not (run / "style.safetensors").exists()
    seen = until(start(material, run, "finish"), "finished")
    assert seen[0] != "step 1", f"killed at step {step}, it began anew"
    assert_same(whole, run)


def test_a_run_that_teaches_a_word_does_so_too(
    material: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = {"method": "textual inversion", "vectors": 2, "init_word": "sketch", "caption_dropout": 0}
    monkeypatch.setenv("SETTINGS", json.dumps(word))
    uninterrupted, run = tmp_path / "whole", tmp_path / "run"
    until(start(material, uninterrupted, "finish"), "finished")
    child = start(material, run, "train")
    assert until(child, "step 13")[-1] == "step 13"
    kill(child)
    assert until(start(material, run, "finish"), "finished")[0] == "step 13"
    assert set(load_file(run / "style.safetensors")) == {"emb_params"}
    assert_same(uninterrupted, run)


def test_killed_in_the_middle_of_a_save_it_goes_on_from_the_one_before(
    material: tuple[Path, Path], whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    child = start(material, run, "hang while saving")
    assert until(child, "saving")[-1] == "saving"
    kill(child)
    assert list((run / "checkpoints").glob(".*.part"))
    seen = until(start(material, run, "finish"), "finished")
    assert seen[0] == "step 10"  # the fourth save, of step 12, was torn; that of step 9 is whole
    assert not list((run / "checkpoints").glob(".*.part"))
    assert_same(whole, run)
