"""The ladder of measures for small memory: chosen by what is free, cheapest first, and kept to."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from duktus.domain.base import Base
from duktus.domain.errors import InputError, MismatchError, TrainingError
from duktus.domain.style import TeachSettings
from duktus.families.holding import STOCK, Holding
from duktus.training import Paused, Taught, TrainingSet, preflight, probe
from duktus.training.checkpoint import as_begun
from duktus.training.measures import NOTHING, Measures, asked, ladder
from duktus.training.memory import SHARE, Fit, cgroup_room, expected_bytes
from duktus.training.recomputing import recomputes
from duktus.training.teach import teach

Make = Callable[..., TeachSettings]
RECOMPUTE = Measures(recompute=True)
INT8 = Measures(int8=True)
BOTH = Measures(int8=True, recompute=True)
AWAY = Measures(offload=True, recompute=True)
GB = 2**30


def test_what_changes_nothing_learned_comes_first(settings: Make) -> None:
    exact = (Measures(offload=True), AWAY)
    assert ladder(settings(), "cpu") == (NOTHING, RECOMPUTE, INT8, BOTH, *exact)
    both = tuple(replace(one, offload=True) for one in (INT8, BOTH))
    assert ladder(settings(), "cuda") == (NOTHING, RECOMPUTE, INT8, BOTH, *exact, *both)
    assert ladder(settings(), "mps") == (NOTHING, RECOMPUTE, INT8, BOTH)
    assert ladder(settings(int8_base="off"), "cpu") == (NOTHING, RECOMPUTE, *exact)
    assert ladder(settings(int8_base="on", gradient_checkpointing="off"), "cpu") == (INT8,)
    assert asked(settings(), "cpu") == NOTHING
    assert asked(settings(gradient_checkpointing="on"), "cpu") == RECOMPUTE
    assert asked(settings(group_offload="on"), "cuda") == Measures(offload=True)


def test_what_a_device_cannot_do_is_refused(settings: Make) -> None:
    with pytest.raises(InputError, match="exclude each other on a CPU"):
        ladder(settings(group_offload="on", int8_base="on"), "cpu")
    with pytest.raises(InputError, match="shares the machine's memory"):
        ladder(settings(group_offload="on"), "mps")


def test_the_headers_tell_what_loading_takes(tiny_base: Base, settings: Make) -> None:
    loaded = probe.choose(tiny_base, settings(batch=1, dtype="float32"), "cpu").loaded
    buffers = loaded.denoiser_bytes + loaded.encoder_bytes - expected_bytes(tiny_base, "float32", STOCK)
    assert 0 <= buffers < 1000
    half = expected_bytes(tiny_base, "bfloat16", STOCK)
    assert 2 * half == expected_bytes(tiny_base, "float32", STOCK)
    assert expected_bytes(tiny_base, "float32", Holding(int8=True)) < half


def test_the_first_rung_that_fits_is_taken(
    tiny_base: Base, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = eighth = 0

    def expected(_base: object, _dtype: object, holding: Holding) -> int:
        return 0 if holding.offload else eighth if holding.int8 else weights

    def chosen(free: float, **changes: object) -> Fit:
        monkeypatch.setattr(probe, "free_memory", lambda _: int(free))
        fit = probe.choose(tiny_base, settings(batch=1, **changes), "cpu").fit
        assert fit.held > 0
        return fit

    monkeypatch.setattr(probe, "expected_bytes", expected)
    plain = chosen(2**40)
    assert plain.measures == NOTHING
    encoders = plain.room - 2**40
    assert encoders > 0
    enough = plain.step / SHARE - encoders
    assert chosen(enough + 1).measures == NOTHING
    less = chosen(enough - 1000)
    assert less.measures == RECOMPUTE
    assert less.step < plain.step
    assert less.slower > 1.05
    assert chosen(enough - 1000, gradient_checkpointing="off", group_offload="off").measures == INT8
    assert chosen(2**40, gradient_checkpointing="on").asked
    weights = 2**41  # now the whole weights alone are more than is free
    small = chosen(2**40)
    assert small.measures == INT8
    assert small.held < plain.held
    assert small.slower > 1
    assert chosen(enough - 1000).measures == BOTH
    assert chosen(enough - 1000, group_offload="off", int8_base="off").measures == RECOMPUTE
    eighth = 2**40 + 1  # and so are those in eight bits
    away = chosen(2**40)
    assert away.measures == Measures(offload=True)
    assert away.held < small.held
    assert chosen(0).measures == AWAY
    assert not chosen(0).fits


def test_a_trial_that_runs_out_of_memory_takes_the_next_rung(
    tiny_base: Base, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = probe._step

    def scarce(loaded: Any, chosen: TeachSettings) -> Any:
        if not recomputes(loaded):
            raise torch.OutOfMemoryError("no more")
        return real(loaded, chosen)

    monkeypatch.setattr(probe, "_step", scarce)
    assert probe.choose(tiny_base, settings(batch=1), "cpu").fit.measures == RECOMPUTE
    with pytest.raises(TrainingError, match="no more"):
        probe.choose(tiny_base, settings(batch=1, gradient_checkpointing="off"), "cpu")


def test_so_does_a_smoke_run(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preflight._smoke_run
    carries: set[Measures] = {AWAY}

    def scarce(loaded: Any, *rest: Any) -> Any:
        held = loaded._holding
        here = Measures(offload=held.offload, int8=held.int8, recompute=recomputes(loaded))
        if here not in carries:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return real(loaded, *rest)

    monkeypatch.setattr(preflight, "_smoke_run", scarce)
    chosen = settings(dtype="float32", batch=1, int8_base="off")
    plan = preflight.preflight(tiny_base, pictures, chosen, tmp_path / "run")
    assert plan.measures == AWAY
    assert any("With gradient checkpointing and group offload" in words for words in plan.words)
    carries.clear()
    last = settings(dtype="float32", batch=1, group_offload="on", gradient_checkpointing="on")
    with pytest.raises(TrainingError, match="does not fit into the memory of cpu"):
        preflight.preflight(tiny_base, pictures, last, tmp_path / "run")


def test_the_decision_in_words() -> None:
    assert Fit(NOTHING, 2 * GB, GB, 9 * GB, asked=False).words == (
        "The run needs about 3.0 GB of 11.0 GB free."
    )
    assert Fit(RECOMPUTE, 2 * GB, GB, 9 * GB, asked=True, slower=1.42).words == (
        "With gradient checkpointing, the run needs about 3.0 GB of 11.0 GB free; steps take 1.4 times as "
        "long as without, as asked."
    )
    assert Fit(AWAY, GB, GB, 9 * GB, asked=False, slower=2).words == (
        "With gradient checkpointing and group offload, the run needs about 2.0 GB of 10.0 GB free; steps "
        "take 2.0 times as long as without. The base's large weights are brought block by block for each "
        "step; what is learned is the same."
    )
    assert Fit(BOTH, 4 * GB, GB, GB, asked=False, slower=1.3).words == (
        "With gradient checkpointing and 8-bit base weights, the run needs about 5.0 GB of 5.0 GB free; "
        "steps take 1.3 times as long as without. The base's large weights are about 1 % off while it is "
        "taught; the style file is one for the whole base. That is hardly enough: close other programs, or "
        "lower --batch or --resolution."
    )


def test_an_offloaded_run_learns_the_same_bits(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    runs = [
        teach(tiny_base, pictures, settings(steps=3), tmp_path / str(one.offload), measures=one)
        for one in (RECOMPUTE, AWAY)
    ]
    plain, away = (run for run in runs if isinstance(run, Taught))
    assert away.tensor_hash == plain.tensor_hash
    assert away.curve == plain.curve
    assert [run.facts["group_offload"] for run in (plain, away)] == [False, True]


def test_a_run_on_eight_bits_goes_on_bit_for_bit_and_stays_on_them(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    four = settings(steps=4)
    whole = teach(tiny_base, pictures, four, tmp_path / "whole", measures=INT8)
    assert isinstance(whole, Taught)
    assert whole.facts["int8_base"] is True
    asked_to = iter([False, False, True])
    first = teach(
        tiny_base, pictures, four, tmp_path / "parts", measures=INT8, should_stop=lambda: next(asked_to)
    )
    assert isinstance(first, Paused)
    with pytest.raises(MismatchError, match="the base's weights were in 8 bits"):
        teach(tiny_base, pictures, four, tmp_path / "parts", measures=NOTHING, resume=True)
    plan = preflight.preflight(tiny_base, pictures, four, tmp_path / "parts", resume=True)
    assert plan.measures == INT8  # though there is room for more
    assert as_begun(four, tmp_path / "parts").int8_base == "on"
    assert as_begun(settings(int8_base="off"), tmp_path / "parts").int8_base == "off"
    assert as_begun(four, tmp_path / "new") == four
    rest = teach(tiny_base, pictures, four, tmp_path / "parts", resume=True)
    assert isinstance(rest, Taught)
    assert rest.tensor_hash == whole.tensor_hash


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    assert cgroup_room(tmp_path) is None
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 200\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert cgroup_room(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert cgroup_room(tmp_path) == 500
    (tmp_path / "memory.max").write_text("100\n")
    assert cgroup_room(tmp_path) == 0


HEAP = """
import resource, torch
torch.set_num_threads(1)
from duktus.training.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        kept = [torch.ones(3 * 2**20) for _ in range(6)]
        del kept
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
stock = faults()
keep_freed_memory()
faults()
print(stock, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_step_finds_the_memory_that_the_one_before_freed() -> None:
    """Six tensors of twelve megabytes, ten times: each page once, not ten times."""
    answer = subprocess.run([sys.executable, "-c", HEAP], capture_output=True, text=True, check=True)
    stock, ours = map(int, answer.stdout.split())
    assert stock > 10_000
    assert ours < stock / 20
