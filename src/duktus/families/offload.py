"""Weights that rest away from where they are computed with, and come near one block at a time.

Forward passes, backward passes and the recomputing of gradient checkpointing go through the blocks in orders
of their own, so nothing is hung on modules: a layer asks for its weight when it needs it (see
:mod:`duktus.families.at_use`), the first question to a block brings the whole block, and blocks of before
leave. Which block comes next is remembered from the passes before and fetched ahead.

Why not diffusers' own group offloading: its hooks work around forward passes alone. Autograd keeps every
block they brought until the way back has passed, so nothing is saved without gradient checkpointing; with it,
what they fetch ahead follows the order of the first forward pass, which the way back does not keep
(huggingface/diffusers issue 12610, bghira/SimpleTuner pull request 1984).
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Protocol

import torch

from duktus.families.safetensors_header import read_header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor, nn

DTYPES = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F64": torch.float64,
}


class Carrier(Protocol):
    """How weights get near and leave."""

    def bring(self, rest: Sequence[Tensor]) -> list[Tensor]:
        """The weights where they can be computed with; they may still be on their way."""
        ...

    def ready(self, near: Sequence[Tensor]) -> None:
        """Return when they may be used."""
        ...

    def let_go(self, rest: Sequence[Tensor]) -> None:
        """Free what :meth:`bring` took and nobody holds any more."""
        ...


class Copied:
    """Weights that rest in the machine's memory and are copied to a device.

    On CUDA they rest in pinned memory and travel on a stream of their own, beside the computing. On a CPU
    they are plain copies: the same order and the same freeing without another device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: Any = torch.cuda.Stream(device) if device.type == "cuda" else None

    def resting(self, weight: Tensor) -> Tensor:
        """The weight as it rests."""
        weight = weight.to("cpu")
        return weight.pin_memory() if self._stream is not None else weight

    def bring(self, rest: Sequence[Tensor]) -> list[Tensor]:
        """Copies on the device."""
        if self._stream is None:
            return [tensor.to(self._device, copy=True) for tensor in rest]
        with torch.cuda.stream(self._stream):
            return [tensor.to(self._device, non_blocking=True) for tensor in rest]

    def ready(self, near: Sequence[Tensor]) -> None:
        """Let the computing wait for the copies, and their memory for the computing."""
        if self._stream is None:
            return
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._stream)
        for tensor in near:
            tensor.record_stream(computing)

    def let_go(self, rest: Sequence[Tensor]) -> None:
        """Nothing to do: the copies go with the last reference to them."""


class Mapped:
    """Weights that stay in their files on the disk, for a CPU to read as if they were in memory.

    The system reads pages when they are touched and may take them back at any time, since they can be read
    again. What leaves is given back to it at once, so that it does not push out something else instead.
    """

    def __init__(self) -> None:
        self._files: list[tuple[int, mmap.mmap]] = []

    def tensors(self, path: Path) -> dict[str, Tensor]:
        """Every tensor of a safetensors file, in the dtype of the file; nothing is read yet."""
        header = read_header(path)
        with path.open("rb") as file:
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # nobody writes; torch wants it so
        self._files.append((torch.frombuffer(pages, dtype=torch.uint8, count=1).data_ptr(), pages))
        return {
            name: torch.frombuffer(
                pages,
                dtype=DTYPES[entry.dtype],
                count=entry.values,
                offset=header.data_start + entry.begin,
            ).view(entry.shape)
            for name, entry in header.tensors.items()
            if entry.dtype in DTYPES and entry.values
        }

    def bring(self, rest: Sequence[Tensor]) -> list[Tensor]:
        """The pages themselves, asked for ahead."""
        self._advise(rest, "MADV_WILLNEED")
        return [*rest]

    def ready(self, near: Sequence[Tensor]) -> None:
        """They are: touching one waits for it."""

    def let_go(self, rest: Sequence[Tensor]) -> None:
        """Give the pages back."""
        self._advise(rest, "MADV_DONTNEED")

    def _advise(self, tensors: Sequence[Tensor], advice: str) -> None:
        option: int | None = getattr(mmap, advice, None)
        if option is None:  # Windows has no such word
            return
        for tensor in tensors:
            first, pages = next(one for one in self._files if 0 <= tensor.data_ptr() - one[0] < len(one[1]))
            start = (tensor.data_ptr() - first) // mmap.PAGESIZE * mmap.PAGESIZE
            pages.madvise(option, start, tensor.data_ptr() - first + tensor.nbytes - start)


class Convoy:
    """The weights of all blocks of a network: at most the block in use and the next one are near."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self._rest: list[list[Tensor]] = []
        self._near: dict[int, list[Tensor]] = {}
        self._now: int | None = None
        self._before: int | None = None
        self._follows: dict[tuple[int | None, int], int] = {}

    def block(self) -> int:
        """The number of a new block, empty at first."""
        self._rest.append([])
        return len(self._rest) - 1

    def add(self, block: int, weight: Tensor) -> int:
        """The place of a resting weight within its block."""
        self._rest[block].append(weight)
        return len(self._rest[block]) - 1

    def near(self, block: int, place: int) -> Tensor:
        """That weight, ready for use until a weight of another block is asked for."""
        if block != self._now:
            self._turn_to(block)
        return self._near[block][place]

    @property
    def near_bytes(self) -> int:
        """Of the copies that are near; pages of files are none."""
        resting = {tensor.data_ptr() for rest in self._rest for tensor in rest}
        near = (tensor for block in self._near.values() for tensor in block)
        return sum(tensor.nbytes for tensor in near if tensor.data_ptr() not in resting)

    @property
    def most_bytes(self) -> int:
        """What the two largest blocks take when they are near."""
        if isinstance(self.carrier, Mapped):
            return 0
        return sum(sorted(sum(tensor.nbytes for tensor in rest) for rest in self._rest)[-2:])

    def leave(self) -> None:
        """Let go of everything that is near; the next question brings it again."""
        for block in [*self._near]:
            self._let_go(block)
        self._now = self._before = None

    def forget(self) -> None:
        """Free the resting weights as well. Nothing else may follow."""
        self.leave()
        self._rest = []

    def _turn_to(self, block: int) -> None:
        if self._now is not None:
            self._follows[self._before, self._now] = block
        self._before, self._now = self._now, block
        following = self._follows.get((self._before, block))
        for other in [*self._near]:
            if other not in (block, following):
                self._let_go(other)
        if block not in self._near:
            self._near[block] = self.carrier.bring(self._rest[block])
        self.carrier.ready(self._near[block])
        if following is not None and following not in self._near:
            self._near[following] = self.carrier.bring(self._rest[following])

    def _let_go(self, block: int) -> None:
        del self._near[block]
        self.carrier.let_go(self._rest[block])


def groups(network: nn.Module, paths: Sequence[str]) -> dict[str, str]:
    """For each of these layers the path of the block that it comes near with: the smallest listed part of the
    network that holds it and at least one more of them.
    """
    listed = [
        f"{path}.{name}"
        for path, module in network.named_modules()
        if isinstance(module, torch.nn.ModuleList)
        for name, _ in module.named_children()
    ]
    listed += [name for name, _ in network.named_children() if name == "mid_block"]
    holders = [one for one in listed if sum(path.startswith(f"{one}.") for path in paths) > 1]
    return {
        path: max((one for one in holders if path.startswith(f"{one}.")), key=len, default=path)
        for path in paths
    }
