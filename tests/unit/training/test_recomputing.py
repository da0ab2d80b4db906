"""Gradient checkpointing: chosen by measured memory, and it changes the memory, not the gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_flow import write_tiny_flux, write_tiny_zimage
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Base
from duktus.domain.style import TeachSettings
from duktus.families import registry
from duktus.families.family import LoadedBase
from duktus.families.lora import Beside
from duktus.training import Taught, TrainingSet, recomputing
from duktus.training.cache import build_cache
from duktus.training.loop import Trainer
from duktus.training.preflight import preflight
from duktus.training.recomputing import Keeping, cgroup_room, decide, recompute, recomputes, step_bytes
from duktus.training.teach import teach

Make = Callable[..., TeachSettings]


def loaded(base: Base) -> LoadedBase:
    return registry.family(base.family).load(base)


class Seen:
    """Counts the forward passes of the blocks that hold adapters; others may need no gradient at all."""

    def __init__(self, base: LoadedBase, kinds: set[str]) -> None:
        self.passes = 0
        blocks = [one for one in base.denoiser.modules() if type(one).__name__ in kinds]
        self.modules = [
            block
            for block in blocks
            if any(isinstance(one.__dict__.get("forward"), Beside) for one in block.modules())
        ]
        assert self.modules
        self.hooks = [module.register_forward_pre_hook(self.count) for module in self.modules]

    def count(self, *_: object) -> None:
        self.passes += 1


KINDS = {
    "ResnetBlock2D",
    "BasicTransformerBlock",
    "FluxTransformerBlock",
    "FluxSingleTransformerBlock",
    "ZImageTransformerBlock",
}


@pytest.mark.parametrize("write", [write_tiny_base, write_tiny_sdxl, write_tiny_flux, write_tiny_zimage])
def test_every_block_is_computed_twice_and_the_gradients_are_the_same(
    write: Callable[[Path], Path], pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    folder = write(tmp_path / "base")
    base = registry.family_of(folder).describe(folder, "tiny")
    chosen = settings(min_snr_gamma=None, batch=1)
    few = TrainingSet(pictures.pictures[:1], pictures.trigger)
    gradients: list[list[torch.Tensor]] = []
    passes: list[float] = []
    for on in (False, True):
        one = loaded(base)
        recompute(one, on=on)
        assert recomputes(one) is on
        trainer = Trainer(one, build_cache(one, few, None, chosen), chosen)
        for up in trainer.adapters.parameters():  # else every gradient of a down matrix is zero
            torch.nn.init.normal_(up, std=0.02, generator=torch.Generator().manual_seed(0))
        seen = Seen(one, KINDS)
        next(trainer._losses()).backward()
        passes.append(seen.passes / len(seen.modules))
        found = [parameter.grad for parameter in trainer.adapters.parameters()]
        gradients.append([grad for grad in found if grad is not None])
        assert len(gradients[-1]) == len(found)
    assert passes == [1, 2]
    for plain, again in zip(*gradients, strict=True):
        assert (plain - again).norm() <= 1e-6 * plain.norm()


def test_what_a_step_keeps_is_counted_and_grows_with_pictures_and_pixels(
    tiny_base: Base, settings: Make
) -> None:
    one = loaded(tiny_base)
    small = step_bytes(one, settings(batch=1))
    assert small > 2**20
    assert 1.8 * small < step_bytes(one, settings(batch=2)) < 2 * small
    assert 3 * small < step_bytes(one, settings(batch=1, resolution=128)) < 4.5 * small


def test_large_pictures_are_judged_by_small_ones(
    tiny_base: Base, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = loaded(tiny_base)
    direct = step_bytes(one, settings(batch=1, resolution=192))
    monkeypatch.setattr(recomputing, "TRIED", (64, 128))
    assert step_bytes(one, settings(batch=1, resolution=192)) == pytest.approx(direct, rel=0.1)


def test_memory_decides_unless_the_settings_do(
    tiny_base: Base, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = loaded(tiny_base)
    needed = step_bytes(one, settings())
    for free, on in ((needed * 2, False), (needed, True)):
        monkeypatch.setattr(recomputing, "free_memory", lambda _, free=free: free)
        assert decide(one, settings()).recompute is on
        assert decide(one, settings(gradient_checkpointing="off")).recompute is False
        assert decide(one, settings(gradient_checkpointing="on")).recompute is True


def test_the_decision_in_words() -> None:
    assert Keeping(recompute=True, needed=30 * 2**30, free=12 * 2**30, asked=False).words == (
        "A step keeps about 30.0 GB until it goes back, and 12.0 GB are free: gradient checkpointing is on; "
        "it costs about half as much time again."
    )
    assert Keeping(recompute=False, needed=2**30, free=12 * 2**30, asked=True).words == (
        "A step keeps about 1.0 GB until it goes back, and 12.0 GB are free: gradient checkpointing is off, "
        "as asked."
    )


def test_little_memory_turns_it_on_for_the_run(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputing, "free_memory", lambda _: 2**20)
    plan = preflight(tiny_base, pictures, settings(dtype="float32"), tmp_path / "plan")
    assert plan.gradient_checkpointing
    assert any("gradient checkpointing is on" in words for words in plan.words)
    runs: list[Any] = [
        teach(tiny_base, pictures, settings(steps=2), tmp_path / str(on), gradient_checkpointing=on)
        for on in (True, False)
    ]
    assert all(isinstance(run, Taught) for run in runs)
    assert [run.facts["gradient_checkpointing"] for run in runs] == [True, False]


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
