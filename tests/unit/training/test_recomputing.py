"""Gradient checkpointing: chosen by measured memory, and it changes the memory, not the gradients."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_flow import write_tiny_flux, write_tiny_zimage
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Base
from duktus.domain.style import TeachSettings
from duktus.families import lora, registry
from duktus.families.family import LoadedBase
from duktus.families.lora import Beside
from duktus.training import TrainingSet, recomputing
from duktus.training.cache import build_cache
from duktus.training.loop import Trainer
from duktus.training.memory import release
from duktus.training.recomputing import PER_PARAMETER, example, recompute, recomputes, step_bytes

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
        for up in trainer.learning.named.values():  # else every gradient of a down matrix is zero
            torch.nn.init.normal_(up, std=0.02, generator=torch.Generator().manual_seed(0))
        seen = Seen(one, KINDS)
        next(trainer._losses()).backward()
        passes.append(seen.passes / len(seen.modules))
        found = [parameter.grad for parameter in trainer.learning.named.values()]
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
    double, larger = step_bytes(one, settings(batch=2)), step_bytes(one, settings(batch=1, resolution=128))
    assert small.whole > 2**20
    assert 1.8 * small.whole < double.whole < 2 * small.whole
    assert 3 * small.whole < larger.whole < 4.5 * small.whole
    assert 1.5 * small.recomputed < double.recomputed < 2 * small.recomputed
    assert all(kept.recomputed < 0.7 * kept.whole for kept in (small, double, larger))


@pytest.mark.parametrize("write", [write_tiny_base, write_tiny_sdxl, write_tiny_flux, write_tiny_zimage])
def test_what_recomputing_spares_is_what_autograd_no_longer_keeps(
    write: Callable[[Path], Path], settings: Make, tmp_path: Path
) -> None:
    folder = write(tmp_path / "base")
    one = loaded(registry.family_of(folder).describe(folder, "tiny"))
    chosen = settings(min_snr_gamma=None, batch=1)
    kept = step_bytes(one, chosen)
    adapters = lora.inject(one.denoiser, one.target_modules(chosen.targets), rank=4, alpha=4, seed=0)
    recompute(one, on=True)
    shown = example(one, chosen, chosen.resolution)
    outside: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        outside[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        answer = one.predict(shown.noisy, shown.timesteps, shown.texts.rows([0]))
    own = sum(parameter.numel() for parameter in adapters.parameters()) * PER_PARAMETER
    weights = {parameter.untyped_storage().data_ptr() for parameter in one.denoiser.parameters()}
    still = sum(number for place, number in outside.items() if place not in weights)
    assert still < kept.recomputed - own < kept.whole - own
    del answer


def test_large_pictures_are_judged_by_small_ones(
    tiny_base: Base, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = loaded(tiny_base)
    direct = step_bytes(one, settings(batch=1, resolution=192))
    monkeypatch.setattr(recomputing, "TRIED", (64, 128))
    told = step_bytes(one, settings(batch=1, resolution=192))
    assert told.whole == pytest.approx(direct.whole, rel=0.1)
    assert told.recomputed == pytest.approx(direct.recomputed, rel=0.1)


@pytest.mark.parametrize("write", [write_tiny_base, write_tiny_flux])
def test_nothing_of_a_base_stays_once_it_is_released(
    write: Callable[[Path], Path], settings: Make, tmp_path: Path
) -> None:
    """A graph of the measuring pass that lived on would hold the base's weights for ever."""
    folder = write(tmp_path / "base")
    one = loaded(registry.family_of(folder).describe(folder, "tiny"))
    step_bytes(one, settings(min_snr_gamma=None, batch=1))
    weights = [weakref.ref(parameter) for parameter in one.denoiser.parameters()]
    release(one)
    assert not any(weight() is not None for weight in weights)
