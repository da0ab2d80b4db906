"""Weights that rest away: the same bits, in the right order, and gone after use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.support.holding import Gradients, held, taught
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_flow import write_tiny_flux, write_tiny_zimage
from tests.support.tiny_sdxl import write_tiny_sdxl
from torch import Tensor

from duktus.domain.base import Base
from duktus.families import at_use, registry, streaming
from duktus.families.family import LoadedBase
from duktus.families.holding import STOCK, Holding
from duktus.families.offload import Convoy, Copied, Mapped, groups
from duktus.training.recomputing import recompute

Write = Callable[[Path], Path]
AWAY = Holding(offload=True)


@pytest.fixture(
    params=[write_tiny_base, write_tiny_sdxl, write_tiny_flux, write_tiny_zimage],
    ids=["sd15", "sdxl", "flux", "zimage"],
    scope="module",
)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    write: Write = request.param
    folder = write(tmp_path_factory.mktemp("base") / "base")
    return registry.family_of(folder).describe(folder, "tiny")


def copying(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a CPU is treated as a GPU is: weights rest in memory and are copied."""
    monkeypatch.setattr(streaming, "Mapped", lambda: None)


def same(got: tuple[Tensor, Gradients], wanted: tuple[Tensor, Gradients]) -> bool:
    return torch.equal(got[0], wanted[0]) and all(
        torch.equal(ours, theirs)
        for path, pair in got[1].items()
        for ours, theirs in zip(pair, wanted[1][path], strict=True)
    )


def aligned(base: LoadedBase) -> LoadedBase:
    """Every weight in memory of its own: within a mapped file its address decides the last bits on a CPU."""
    for parameter in base.denoiser.parameters():
        parameter.data = parameter.data.clone()
    return base


def only(base: LoadedBase) -> Convoy:
    (convoy,) = at_use.convoys(base.denoiser)
    return convoy


class Watched:
    """A carrier that remembers what it brought and what left, as numbers of blocks."""

    def __init__(self, convoy: Convoy) -> None:
        self.carrier, self.convoy = convoy.carrier, convoy
        self.blocks = {id(tensor): number for number, rest in enumerate(convoy._rest) for tensor in rest}
        self.brought: list[int] = []
        self.left: list[int] = []
        self.most = 0
        convoy.carrier = self

    def bring(self, rest: Sequence[Tensor]) -> list[Tensor]:
        self.brought.append(self.blocks[id(rest[0])])
        near = self.carrier.bring(rest)
        self.most = max(self.most, self.convoy.near_bytes + sum(tensor.nbytes for tensor in near))
        return near

    def ready(self, near: Sequence[Tensor]) -> None:
        self.carrier.ready(near)

    def let_go(self, rest: Sequence[Tensor]) -> None:
        self.left.append(self.blocks[id(rest[0])])
        self.carrier.let_go(rest)


@pytest.mark.parametrize("again", [False, True], ids=["kept", "recomputed"])
def test_what_stays_in_its_files_computes_the_same_bits(base: Base, again: bool) -> None:
    whole, away = held(base, STOCK), held(base, AWAY)
    assert isinstance(only(away).carrier, Mapped)
    for one in (whole, away):
        recompute(one, on=again)
    assert same(taught(away), taught(whole))
    assert only(away).near_bytes == 0
    assert away.denoiser_bytes < 0.7 * whole.denoiser_bytes


def test_files_in_half_precision_are_made_whole_at_use(base: Base, tmp_path: Path) -> None:
    halved = tmp_path / "half"
    for path in base.folder.rglob("*"):
        target = halved / path.relative_to(base.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            tensors = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(path).items()}
            save_file(tensors, target, {"format": "pt"})
        elif path.is_file():
            target.write_bytes(path.read_bytes())
    half = registry.family_of(halved).describe(halved, "tiny")
    assert same(taught(held(half, AWAY)), taught(held(half, STOCK)))


@pytest.mark.parametrize("int8", [False, True], ids=["whole", "int8"])
def test_what_is_copied_computes_the_same_bits_and_is_near_two_blocks_at_a_time(
    base: Base, monkeypatch: pytest.MonkeyPatch, int8: bool
) -> None:
    copying(monkeypatch)
    away = aligned(held(base, Holding(int8=int8, offload=True)))
    convoy = only(away)
    assert isinstance(convoy.carrier, Copied)
    watched = Watched(convoy)
    wanted = taught(aligned(held(base, Holding(int8=int8))))
    for _ in range(2):  # the second time, blocks are fetched ahead
        assert same(taught(away), wanted)
        for layer in away.denoiser.modules():  # the adapters of this round
            layer.__dict__.pop("forward", None)
    assert 0 < watched.most <= convoy.most_bytes
    resting = sum(tensor.nbytes for rest in convoy._rest for tensor in rest)
    assert watched.most < 0.8 * resting
    convoy.leave()
    assert convoy.near_bytes == 0
    assert sorted(watched.left) == sorted(watched.brought)


@pytest.mark.parametrize("again", [False, True], ids=["kept", "recomputed"])
def test_blocks_come_in_the_order_of_computing_and_go_back_in_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, again: bool
) -> None:
    copying(monkeypatch)
    folder = write_tiny_flux(tmp_path / "base")
    away = held(registry.family_of(folder).describe(folder, "tiny"), AWAY)
    recompute(away, on=again)
    watched = Watched(only(away))
    taught(away)
    assert watched.brought == [0, 1, 2, 3, 2, 1, 0]
    assert watched.left == [0, 1, 2, 3, 2, 1]
    for _ in range(2):
        watched.brought.clear()
        taught(away)
    assert watched.brought == [2, 3, 1, 0]  # ahead, and what is needed next does not leave where it turns


def test_blocks_are_the_smallest_that_share_the_way() -> None:
    network = torch.nn.Module()
    inner = torch.nn.Module()
    inner.first, inner.second = torch.nn.Linear(16, 16), torch.nn.Linear(16, 16)
    outer = torch.nn.Module()
    outer.before = torch.nn.Linear(16, 16)
    outer.after = torch.nn.ModuleList([torch.nn.Linear(16, 16)])
    outer.parts = torch.nn.ModuleList([inner])
    network.blocks = torch.nn.ModuleList([outer])
    assert groups(network, at_use.large(network)) == {
        "blocks.0.before": "blocks.0",
        "blocks.0.after.0": "blocks.0",
        "blocks.0.parts.0.first": "blocks.0.parts.0",
        "blocks.0.parts.0.second": "blocks.0.parts.0",
    }


def test_a_mapped_file_holds_what_it_held(tmp_path: Path) -> None:
    written = {
        "a": torch.randn(3, 5),
        "b": torch.randn(7, 2, 3, 3).to(torch.bfloat16),
        "c": torch.randn(11).to(torch.float16),
    }
    save_file(written, tmp_path / "one.safetensors")
    found = Mapped().tensors(tmp_path / "one.safetensors")
    assert found.keys() == written.keys()
    for name, tensor in written.items():
        assert found[name].dtype is tensor.dtype
        assert torch.equal(found[name], tensor)


@pytest.mark.skipif(sys.platform != "linux", reason="counts pages as Linux does")
def test_pages_that_leave_take_no_memory(tmp_path: Path) -> None:
    megabytes = 8
    save_file({str(n): torch.ones(megabytes * 2**18) for n in range(8)}, tmp_path / "weights.safetensors")
    mapped = Mapped()
    convoy = Convoy(mapped)
    for tensor in mapped.tensors(tmp_path / "weights.safetensors").values():
        convoy.add(convoy.block(), tensor)
    before = resident()
    seen: list[float] = []
    for block in (*range(8), *reversed(range(8))):
        assert float(convoy.near(block, 0).sum()) == megabytes * 2**18
        seen.append((resident() - before) / (megabytes * 2**20))
    assert 0.9 < max(seen) < 2.2
    convoy.leave()
    assert resident() - before < megabytes * 2**18


def resident() -> int:
    """Bytes of mapped files that are in this process's memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile:"))


def test_forgotten_weights_are_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copying(monkeypatch)
    folder = write_tiny_flux(tmp_path / "base")
    away = held(registry.family_of(folder).describe(folder, "tiny"), AWAY)
    convoy = only(away)
    assert convoy.most_bytes > 0
    convoy.forget()
    assert convoy.most_bytes == convoy.near_bytes == 0
