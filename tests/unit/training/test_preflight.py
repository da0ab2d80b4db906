"""What is found out before a run begins."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError, StorageError, TrainingError
from duktus.domain.style import TeachSettings
from duktus.training import Paused, Taught, TrainingSet, probe
from duktus.training.measures import NOTHING
from duktus.training.memory import Fit
from duktus.training.preflight import checkpoint_words, held_out_words, in_words, preflight
from duktus.training.probe import Trial, choose
from duktus.training.teach import teach

Make = Callable[..., TeachSettings]


class Usage(NamedTuple):
    """What shutil says of a disk, in bytes."""

    total: int
    used: int
    free: int


def test_a_plan_is_measured_and_leaves_nothing_behind(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    plan = preflight(tiny_base, pictures, settings(dtype="float32"), tmp_path / "run")
    assert plan.device == "cpu"
    assert plan.dtype == "float32"
    assert plan.seconds > plan.seconds_per_step * 8
    assert plan.disk_bytes > 1000
    assert plan.memory_bytes > 2**20
    text = " ".join(plan.words)
    assert "8 steps of 2 pictures at 64 px" in text
    assert "7 pictures are taught on and 2 held out" in text
    assert "A checkpoint is written every 3 steps" in text
    assert "saved, loaded again and exported" in text
    assert not list((tmp_path / "run").iterdir())


def test_a_render_only_base_is_refused_before_anything_is_loaded(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    base = tiny_base.model_copy(update={"role": Role.RENDER_ONLY, "folder": tmp_path / "nowhere"})
    with pytest.raises(InputError, match="render"):
        preflight(base, pictures, settings(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_little_disk_is_said_with_numbers(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 5 * 2**20))
    with pytest.raises(StorageError, match="5 MB are free"):
        preflight(tiny_base, pictures, settings(dtype="float32"), tmp_path)


def test_a_folder_that_cannot_be_written_is_said(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        preflight(tiny_base, pictures, settings(), tmp_path / "run")


def test_a_device_that_is_not_there_is_named(tiny_base: Base, settings: Make) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="no device 'cuda'"):
            choose(tiny_base, settings(), "cuda")
    with pytest.raises(InputError, match="no device 'tpu'"):
        choose(tiny_base, settings(), "tpu")


@pytest.mark.parametrize(
    ("seconds", "error", "fault", "winner"),
    [
        (0.5, 0.02, "", "bfloat16"),
        (0.9, 0.02, "", "float32"),
        (0.5, None, "numbers overflow", "float32"),
    ],
)
def test_another_arithmetic_must_be_good_and_clearly_faster(
    *,
    tiny_base: Base,
    settings: Make,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    error: float | None,
    fault: str,
    winner: str,
) -> None:
    def measured(_base: object, _settings: object, where: tuple[str, str], *_: object) -> probe._Tried:
        dtype = where[1]
        trial = (
            Trial("mps", dtype, 1.0, None)
            if dtype == "float32"
            else Trial("mps", dtype, seconds, error, fault)
        )
        return probe._Tried(trial, Fit(NOTHING, 0, 1, 2, asked=False))

    monkeypatch.setattr(probe, "_dtypes", lambda _: ["float32", "bfloat16"])
    monkeypatch.setattr(probe, "_try", measured)
    choice = choose(tiny_base, settings())
    assert choice.dtype == winner
    assert len(choice.trials) == 2
    assert str(choice.loaded.dtype) == f"torch.{winner}"


@pytest.mark.parametrize(
    ("can", "tried"),
    [
        ({}, ["float32"]),
        ({"avx512_f": True, "avx512_bf16": False}, ["float32"]),
        ({"avx512_bf16": True, "amx_tile": False}, ["float32", "bfloat16"]),
        ({"avx512_bf16": True, "amx_tile": True}, ["float32"]),
    ],
)
def test_a_cpu_tries_what_it_multiplies_in_hardware(
    can: dict[str, bool], tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    assert probe._dtypes("cpu") == tried


def test_on_a_cpu_no_stopwatch_decides(
    tiny_base: Base, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bits of a run would depend on what else the machine is doing."""
    slow, quick = Trial("cpu", "float32", 1.0, None), Trial("cpu", "bfloat16", 1.1, 0.02)
    assert quick.beats(slow)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    choice = choose(tiny_base, settings(), "cpu")
    assert [trial.dtype for trial in choice.trials] == ["float32", "bfloat16"]
    assert choice.dtype == "bfloat16"
    error = choice.trials[1].error
    assert error is not None
    assert 0 < error < probe.TOLERANCE
    assert choice.loaded.dtype is torch.bfloat16


def test_a_run_goes_on_in_the_arithmetic_it_began_in(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever this machine would choose now: another machine or an older duktus may have begun it."""
    asked_to = iter([False, False, True])
    begun = teach(
        tiny_base, pictures, settings(), tmp_path, dtype="float32", should_stop=lambda: next(asked_to)
    )
    assert isinstance(begun, Paused)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert preflight(tiny_base, pictures, settings(), tmp_path / "new").dtype == "bfloat16"
    plan = preflight(tiny_base, pictures, settings(), tmp_path, resume=True)
    assert plan.dtype == "float32"
    ended = teach(tiny_base, pictures, settings(), tmp_path, dtype=plan.dtype, resume=True)
    assert isinstance(ended, Taught)


def test_when_nothing_works_every_trial_is_told(
    tiny_base: Base, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*_: object) -> probe._Step:
        return probe._Step(1.0, torch.tensor([float("nan")]), 1.0)

    monkeypatch.setattr(probe, "_step", step)
    with pytest.raises(TrainingError, match="cpu float32: numbers overflow"):
        choose(tiny_base, settings(dtype="float32"), "cpu")


def test_the_rules_are_stated_in_words(settings: Make) -> None:
    assert checkpoint_words(settings(checkpoint_every=100, keep_checkpoints=3)) == (
        "A checkpoint is written every 100 steps, at the end and whenever a step may be the best one; "
        "the newest 3 are kept, and the best."
    )
    assert "none is held out" in held_out_words(4, 0, settings())
    assert "delivers the last step" in held_out_words(7, 2, settings(keep="last"))
    assert [in_words(seconds) for seconds in (0.2, 75, 600, 9000)] == [
        "1 seconds",
        "75 seconds",
        "10 minutes",
        "2.5 hours",
    ]
