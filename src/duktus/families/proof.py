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


class Stock:
    """The operations as torch has them: for training and the draft lane."""

    @staticmethod
    def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """``x @ weight.T + bias``."""
        return functional.linear(x, weight, bias)

    @staticmethod
    def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d | None) -> Tensor:
        """A convolution with the stride, padding, dilation and groups of ``like``; 1x1 without."""
        if like is None:
            return functional.conv2d(x, weight, bias)
        return functional.conv2d(x, weight, bias, like.stride, like.padding, like.dilation, like.groups)


class Proof:
    """The same operations with the bits held."""

    @staticmethod
    def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """``x @ weight.T + bias``, for (n, ..., in)."""
        return _held("linear", _linear, (x,), (weight, bias))

    @staticmethod
    def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d | None) -> Tensor:
        """A convolution with the stride, padding, dilation and groups of ``like``; 1x1 without."""
        if like is None:
            return _held("conv2d", _conv2d, (x,), (weight, bias), (((0, 0), (1, 1), (1, 1), 1),))
        settings = (like.padding, like.stride, like.dilation, like.groups)
        return _held("conv2d", _conv2d, (x,), (weight, bias), (settings,))


def hold_bits(denoiser: nn.Module) -> None:
    """Let every operation of a denoiser hold the bits; adapters mounted afterwards do so too.

    For rendering only: nothing here can be differentiated. Convolutions run in channels-last order, which is
    the faster one for oneDNN and makes the step into attention a view.
    """
    denoiser.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    for module in denoiser.modules():
        held = _held_forward(module)
        if held is not None:
            module.forward = held
    denoiser.__dict__["holds_bits"] = True


def arithmetic_of(denoiser: nn.Module) -> type[Stock | Proof]:
    """The operations that adapters on this denoiser must use."""
    return Proof if denoiser.__dict__.get("holds_bits") else Stock


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention of (n, heads, tokens, width), with the bits held."""
    return _held("attention", functional.scaled_dot_product_attention, (query, key, value), ())


def _held_forward(module: nn.Module) -> Callable[[Tensor], Tensor] | None:
    if isinstance(module, nn.Linear):
        return lambda x: Proof.linear(x, module.weight, module.bias)
    if isinstance(module, nn.Conv2d):
        assert module.padding_mode == "zeros"
        assert not isinstance(module.padding, str)
        return lambda x: Proof.conv2d(x, module.weight, module.bias, module)
    if isinstance(module, nn.GroupNorm):
        rest = (module.num_groups, module.eps)
        return lambda x: _held("group_norm", _group_norm, (x,), (module.weight, module.bias), rest)
    if isinstance(module, nn.LayerNorm):
        rest = (tuple(module.normalized_shape), module.eps)
        return lambda x: _held("layer_norm", _layer_norm, (x,), (module.weight, module.bias), rest)
    return None


def _held(
    name: str,
    operation: Callable[..., Tensor],
    pictures: tuple[Tensor, ...],
    shared: tuple[Tensor | None, ...],
    rest: tuple[Any, ...] = (),
) -> Tensor:
    """The operation on a batch, with each picture's bits as if it were alone.

    ``pictures`` have one row per picture, ``shared`` are weights, ``rest`` are settings.
    """
    first = pictures[0]
    if first.shape[0] == 1:
        return operation(*pictures, *shared, *rest)
    key = (
        name,
        torch.get_num_threads(),
        *((tensor.shape, tensor.stride(), tensor.dtype) for tensor in pictures),
        *(None if tensor is None else tensor.shape for tensor in shared),
        rest,
    )
    together = _verdicts.get(key)
    if together is None:
        together = _same_bits(operation, pictures, shared, rest)
        _verdicts[key] = together
    if together:
        return operation(*pictures, *shared, *rest)
    return _one_by_one(operation, pictures, shared, rest)


def _one_by_one(
    operation: Callable[..., Tensor],
    pictures: tuple[Tensor, ...],
    shared: tuple[Tensor | None, ...],
    rest: tuple[Any, ...],
) -> Tensor:
    rows = zip(*(tensor.split(1) for tensor in pictures), strict=True)
    return torch.cat([operation(*row, *shared, *rest) for row in rows])


def _same_bits(
    operation: Callable[..., Tensor],
    pictures: tuple[Tensor, ...],
    shared: tuple[Tensor | None, ...],
    rest: tuple[Any, ...],
) -> bool:
    """Compare on synthetic numbers: true ones may be zeros, which round alike everywhere."""
    generator = torch.Generator().manual_seed(0)

    def random_like(tensor: Tensor | None) -> Tensor | None:
        if tensor is None:
            return None
        numbers = torch.randn(tensor.shape, generator=generator).to(tensor.device, tensor.dtype)
        return torch.empty_strided(
            tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device
        ).copy_(numbers)

    trial = tuple(random_like(tensor) for tensor in pictures)
    weights = tuple(random_like(tensor) for tensor in shared)
    together = operation(*trial, *weights, *rest)
    return torch.equal(together, _one_by_one(operation, trial, weights, rest))  # pyright: ignore[reportArgumentType]


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
