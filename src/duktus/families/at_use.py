"""Linear layers and convolutions whose weight is made where it is used, and is gone afterwards.

Only for weights that no longer change. The way back makes the weight a second time instead of keeping it, so
a step holds one such weight at a time, and it keeps no input either: a frozen layer needs its weight alone to
pass a gradient on. The modules stay what they are (``isinstance``, ``bias``, paths), so that adapters sit
beside them as beside any other.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

from duktus.families.int8 import WORST, quantised, relative_error, restored

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from duktus.families.offload import Convoy

SHORTEST = 16
"""Inputs of a row below which its scale would cost more than eight bits save."""


class _Clock:
    """Seconds spent on making weights while somebody measures; threads of the backward pass included."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.runs = False
        self.device = torch.device("cpu")


_clock = _Clock()


@contextmanager
def timed(device: torch.device) -> Generator[_Clock]:
    """Within, making weights on that device is timed; a GPU is waited for each time."""
    _clock.seconds, _clock.runs, _clock.device = 0.0, True, device
    try:
        yield _clock
    finally:
        _clock.runs = False


class AtUse(nn.Module):
    """What both kinds of layer share: a weight at rest."""

    bias: Any
    size: int
    """Numbers of the weight."""
    steps: nn.Parameter | None
    """int8 (out, ...); None for a weight that is away."""
    scale: nn.Parameter | None
    """(out, 1, ...) in the dtype that is computed in; None for a weight that is whole."""
    dtype: torch.dtype
    """That is computed in."""
    away: tuple[Convoy, int, int] | None
    """Who brings a weight that is away, and its block and place."""

    def hold(self, steps: Tensor | None, scale: Tensor | None, dtype: torch.dtype) -> None:
        """Hold this weight from now on; without ``steps`` it is away, see :meth:`leave_with`."""
        self.steps = None if steps is None else nn.Parameter(steps, requires_grad=False)
        self.scale = None if scale is None else nn.Parameter(scale, requires_grad=False)
        self.dtype, self.away = dtype, None

    def leave_with(self, convoy: Convoy, block: int, weight: Tensor) -> None:
        """Let ``weight`` rest away, int8 where there is a scale."""
        self.away = (convoy, block, convoy.add(block, weight))

    def made(self) -> Tensor:
        """The weight (out, ...), new each time where it is not at hand as it is."""
        if not _clock.runs:
            return self._made()
        _wait(_clock.device)
        started = time.perf_counter()
        weight = self._made()
        _wait(_clock.device)
        _clock.seconds += time.perf_counter() - started
        return weight

    def _made(self) -> Tensor:
        if self.away is None:
            assert self.steps is not None
            rest: Tensor = self.steps
        else:
            convoy, block, place = self.away
            rest = convoy.near(block, place)
        if self.scale is not None:
            return restored(rest, self.scale)
        form = torch.channels_last if rest.ndim == 4 else torch.preserve_format
        return rest.to(self.dtype, memory_format=form)


class LinearAtUse(AtUse, nn.Linear):
    """``x @ weight.T + bias`` for (..., in)."""

    def __init__(self, like: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = like.in_features, like.out_features
        self.size = like.weight.numel()
        self.bias = like.bias

    @property
    def weight(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A fresh copy: whoever looks at the weight gets one."""
        return self.made()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """(..., out)."""
        return _Linear.apply(input, self)


class Conv2dAtUse(AtUse, nn.Conv2d):
    """A convolution padded with zeros."""

    _COPIED = (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
    )

    def __init__(self, like: nn.Conv2d) -> None:
        nn.Module.__init__(self)
        for name in self._COPIED:
            setattr(self, name, getattr(like, name))
        self.size = like.weight.numel()
        self.bias = like.bias

    @property
    def weight(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A fresh copy: whoever looks at the weight gets one."""
        return self.made()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """(n, out, h, w)."""
        return _Conv2d.apply(input, self)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, module: LinearAtUse) -> Tensor:
        ctx.module = module
        return functional.linear(x, module.made(), module.bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] @ ctx.module.made(), None


class _Conv2d(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, module: Conv2dAtUse) -> Tensor:
        ctx.module, ctx.shape = module, x.shape
        return functional.conv2d(x, module.made(), module.bias, *_like(module))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        module = ctx.module
        return conv2d_input(ctx.shape, module.made(), gradients[0], *_like(module)), None


def _like(module: nn.Conv2d) -> tuple[Any, ...]:
    return module.stride, module.padding, module.dilation, module.groups


def in_int8(network: nn.Module, path: str, weight: Tensor) -> bool:
    """Let the layer at ``path`` hold ``weight`` in eight bits. False, and nothing is changed, where that
    would be further off than :data:`duktus.families.int8.WORST`.
    """
    pair = small(weight)
    if pair is not None:
        steps, scale = pair
        exchanged(network, path).hold(steps, scale, weight.dtype)
    return pair is not None


def small(weight: Tensor) -> tuple[Tensor, Tensor] | None:
    """int8 and scales of a weight, laid out as it is computed with; None where that would be too far off."""
    if weight.ndim == 4:
        weight = weight.to(memory_format=torch.channels_last)
    steps, scale = quantised(weight)
    return (steps, scale) if relative_error(weight, steps, scale) <= WORST else None


def exchanged(network: nn.Module, path: str) -> AtUse:
    """A layer in the place of that at ``path``, with its bias and still without a weight."""
    parent, _, name = path.rpartition(".")
    layer = network.get_submodule(path)
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    made = LinearAtUse(layer) if isinstance(layer, nn.Linear) else Conv2dAtUse(layer)
    setattr(network.get_submodule(parent), name, made.train(layer.training))
    return made


def all_in_int8(network: nn.Module) -> None:
    """Every large weight of a network in memory, one after the other."""
    for path in large(network):
        layer: Any = network.get_submodule(path)
        in_int8(network, path, layer.weight.detach())


def large(network: nn.Module) -> tuple[str, ...]:
    """Paths of the layers whose weights make up a network: the linear layers and convolutions of its blocks.

    What lies outside of the blocks stays as it is: the layers where latents, texts, timesteps and sizes come
    in and the answer goes out are small, and an error there reaches everything. So do norms, embeddings and
    biases, which are small too.
    """
    within = tuple(f"{block}." for block in blocks(network))
    return tuple(
        path for path, module in network.named_modules() if path.startswith(within) and _fits(module)
    )


def blocks(network: nn.Module) -> tuple[str, ...]:
    """Paths of what a network repeats: what its lists hold, and the middle of a U-Net."""
    lists = (path for path, module in network.named_modules() if isinstance(module, nn.ModuleList))
    outermost: list[str] = []
    for path in lists:
        if not any(path.startswith(f"{other}.") for other in outermost):
            outermost.append(path)
    held = [
        f"{path}.{name}" for path in outermost for name, _ in network.get_submodule(path).named_children()
    ]
    return (*held, *(name for name, _ in network.named_children() if name == "mid_block"))


def at_most(network: nn.Module) -> int:
    """Bytes that making weights takes at a time: the largest one, and the blocks that are near meanwhile."""
    sizes = [one.size * one.dtype.itemsize for one in layers(network)]
    return max(sizes, default=0) + sum(convoy.most_bytes for convoy in convoys(network))


def convoys(network: nn.Module) -> list[Convoy]:
    """Who brings the weights of a network that are away."""
    return [*{id(one.away[0]): one.away[0] for one in layers(network) if one.away is not None}.values()]


def layers(network: nn.Module) -> Iterator[AtUse]:
    """The layers of a network whose weights are made at use, in its order."""
    return (module for module in network.modules() if isinstance(module, AtUse))


def _fits(module: nn.Module) -> bool:
    if type(module) is nn.Linear:
        return module.in_features >= SHORTEST
    if type(module) is nn.Conv2d:
        inputs = module.weight[0].numel()
        return inputs >= SHORTEST and module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return False


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()
