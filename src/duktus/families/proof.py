"""Arithmetic whose bits do not depend on what shares the batch: the proof lane.

Stock operations fail this on CPUs, for reasons that differ by machine (measured with torch 2.13, float32):

* ``conv2d`` takes another algorithm for one small picture than for several (ATen's ``use_mkldnn`` asks for
  ``batch > 1`` or more than 20,480 values);
* ``linear`` with few rows, such as the time embedding, and with long rows on two threads, rounds differently
  with the number of rows (MKL picks its kernel by the matrix);
* ``group_norm`` in channels-last order adds up per thread from 32x32 latents on.

So each operation here (1) goes through oneDNN, whose kernels were batch-invariant at every shape tried, and
(2) is *checked on this machine* at the first use of a shape: if a batch of synthetic numbers does not give,
bit for bit, what its pictures give one by one, that shape is computed picture by picture from then on. One
picture alone is the definition, a batch only ever a faster way to the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")

_verdicts: dict[tuple[Any, ...], bool] = {}
"""Whether a batch of this operation and shape gives the bits of its pictures alone, on this machine."""


class Held:
    """One operation with its weights, for a batch of pictures: each gets the bits it would get alone."""

    __slots__ = ("_known", "_operation", "_rest", "_shared")

    def __init__(
        self, operation: Callable[..., Tensor], shared: tuple[Tensor | None, ...], rest: tuple[Any, ...] = ()
    ) -> None:
        self._operation = operation
        self._shared = shared
        self._rest = rest
        self._known: dict[tuple[Any, ...], bool] = {}

    def __call__(self, x: Tensor) -> Tensor:
        """The operation on (n, ...)."""
        if x.shape[0] == 1:
            return self._operation(x, *self._shared, *self._rest)
        key = (x.shape, x.stride())
        together = self._known.get(key)
        if together is None:
            together = holds(self._operation, (x,), self._shared, self._rest)
            self._known[key] = together
        if together:
            return self._operation(x, *self._shared, *self._rest)
        return one_by_one(self._operation, (x,), self._shared, self._rest)


class Together(Held):
    """The same operation unchecked: a batch is always computed together, as the draft lane may."""

    __slots__ = ()

    def __call__(self, x: Tensor) -> Tensor:
        """The operation on (n, ...)."""
        return self._operation(x, *self._shared, *self._rest)


def held_linear(weight: Tensor, bias: Tensor | None = None, how: type[Held] = Held) -> Held:
    """``x @ weight.T + bias`` for (n, ..., in)."""
    return how(_linear, (weight, bias))


def held_conv2d(
    weight: Tensor, bias: Tensor | None = None, like: nn.Conv2d | None = None, how: type[Held] = Held
) -> Held:
    """A convolution with the stride, padding, dilation and groups of ``like``; 1x1 without."""
    if like is None:
        return how(_conv2d, (weight, bias), (((0, 0), (1, 1), (1, 1), 1),))
    return how(_conv2d, (weight, bias), ((like.padding, like.stride, like.dilation, like.groups),))


def hold_bits(denoiser: nn.Module, how: type[Held] = Held) -> None:
    """Let every operation of a denoiser hold the bits (with :class:`Together`: only take the same fast ways);
    adapters mounted afterwards do so too.

    For rendering only: nothing here can be differentiated. Convolutions run in channels-last order, which is
    the faster one for oneDNN and makes the step into attention a view.
    """
    denoiser.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    for module in denoiser.modules():
        held = _held_forward(module, how)
        if held is not None:
            module.forward = held
    denoiser.__dict__["arithmetic"] = how


def alone(module: nn.Module) -> None:
    """Let a module of one tensor compute picture by picture: the definition of its result."""
    stock: Any = module.forward

    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return torch.cat([stock(row, *args, **kwargs) for row in x.split(1)])

    module.forward = forward


def arithmetic_of(denoiser: nn.Module) -> type[Held] | None:
    """What :func:`hold_bits` was called with for this denoiser, so that adapters do as it does; else None."""
    return denoiser.__dict__.get("arithmetic")


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention of (n, heads, tokens, width), with the bits held."""
    operation, pictures = functional.scaled_dot_product_attention, (query, key, value)
    if query.shape[0] == 1 or holds(operation, pictures, ()):
        return operation(query, key, value)
    return one_by_one(operation, pictures, ())


def _held_forward(module: nn.Module, how: type[Held]) -> Held | None:
    if isinstance(module, nn.Linear):
        return held_linear(module.weight, module.bias, how)
    if isinstance(module, nn.Conv2d):
        assert module.padding_mode == "zeros"
        assert not isinstance(module.padding, str)
        return held_conv2d(module.weight, module.bias, module, how)
    if isinstance(module, nn.GroupNorm):
        return how(_group_norm, (module.weight, module.bias), (module.num_groups, module.eps))
    if isinstance(module, nn.LayerNorm):
        return how(_layer_norm, (module.weight, module.bias), (tuple(module.normalized_shape), module.eps))
    return None


def holds(
    operation: Callable[..., Tensor],
    pictures: tuple[Tensor, ...],
    shared: tuple[Tensor | None, ...],
    rest: tuple[Any, ...] = (),
) -> bool:
    """Whether a batch of these shapes gives the bits of its pictures alone, here; tried once a process.

    ``pictures`` have one row per picture, ``shared`` are weights, ``rest`` are settings. The trial takes
    synthetic numbers: true ones may be zeros, which round alike everywhere.
    """
    key = (
        operation,
        torch.get_num_threads(),
        *((tensor.shape, tensor.stride(), tensor.dtype) for tensor in pictures),
        *(None if tensor is None else tensor.shape for tensor in shared),
        rest,
    )
    verdict = _verdicts.get(key)
    if verdict is None:
        generator = torch.Generator().manual_seed(0)
        trial = tuple(_random_like(tensor, generator) for tensor in pictures)
        weights = tuple(tensor if tensor is None else _random_like(tensor, generator) for tensor in shared)
        together = operation(*trial, *weights, *rest)
        verdict = torch.equal(together, one_by_one(operation, trial, weights, rest))
        _verdicts[key] = verdict
    return verdict


def one_by_one(
    operation: Callable[..., Tensor],
    pictures: tuple[Tensor, ...],
    shared: tuple[Tensor | None, ...],
    rest: tuple[Any, ...] = (),
) -> Tensor:
    """The operation picture by picture: the definition of its result."""
    rows = zip(*(tensor.split(1) for tensor in pictures), strict=True)
    return torch.cat([operation(*row, *shared, *rest) for row in rows])


def _random_like(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Normal numbers in the same shape, order in memory, dtype and place."""
    numbers = torch.randn(tensor.shape, generator=generator)
    out = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device)
    return out.copy_(numbers)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if HAS_ONEDNN and x.device.type == "cpu":
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")  # noqa: SLF001
    return functional.linear(x, weight, bias)


def _conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    settings: tuple[tuple[int, int], tuple[int, int], tuple[int, int], int],
) -> Tensor:
    padding, stride, dilation, groups = settings
    if HAS_ONEDNN and x.device.type == "cpu":
        return torch.ops.aten.mkldnn_convolution(x, weight, bias, padding, stride, dilation, groups)
    return functional.conv2d(x, weight, bias, stride, padding, dilation, groups)


def _group_norm(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    return functional.group_norm(x, groups, weight, bias, eps)


def _layer_norm(x: Tensor, weight: Tensor, bias: Tensor, shape: list[int], eps: float) -> Tensor:
    return functional.layer_norm(x, shape, weight, bias, eps)
