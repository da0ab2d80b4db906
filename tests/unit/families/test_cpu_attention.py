"""Attention that is differentiated on a CPU."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from duktus.families.cpu_attention import KEPT, attention

SHAPES = [(256, 256, 24), (256, 77, 24), (16, 16, 48), (1, 77, 8)]


def given(queries: int, keys: int, width: int, dtype: torch.dtype) -> list[Tensor]:
    """Query, key and value as the U-Net makes them: heads split out of one row, not in one piece."""
    draw = torch.Generator().manual_seed(queries + keys)
    rows = [torch.randn(2, n, 4, width, generator=draw).to(dtype) for n in (queries, keys, keys)]
    return [row.transpose(1, 2).requires_grad_() for row in rows]


def answered(how: object, tensors: list[Tensor]) -> list[Tensor]:
    """What comes out, then its gradients."""
    assert callable(how)
    answer = how(*tensors)
    weights = torch.linspace(-1, 1, answer.numel()).view(answer.shape).to(answer.dtype)
    return [answer.detach(), *torch.autograd.grad((answer * weights).sum(), tensors)]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_stays_near_float32_though_its_table_is_rounded(shape: tuple[int, int, int]) -> None:
    tensors = given(*shape, torch.bfloat16)
    exact = [tensor.detach().float().requires_grad_() for tensor in tensors]
    truth = answered(functional.scaled_dot_product_attention, exact)
    stock = answered(functional.scaled_dot_product_attention, tensors)
    ours = answered(attention, tensors)
    for one, other, true in zip(ours, stock, truth, strict=True):
        assert one.shape == other.shape
        assert one.dtype is torch.bfloat16
        allowed = max(0.01 * float(true.norm()), 1e-3)
        assert float((one.float() - true).norm()) < allowed
        assert float((other.float() - true).norm()) < allowed, "what is asked of it is asked of the stock one"


def test_its_gradients_are_those_of_the_formula() -> None:
    tensors = [tensor.detach().double().requires_grad_() for tensor in given(5, 7, 3, torch.float32)]
    assert torch.autograd.gradcheck(attention, tensors)


def kept(tensors: list[Tensor]) -> list[tuple[int, ...]]:
    """Shapes of what autograd keeps for the way back."""
    shapes: list[tuple[int, ...]] = []

    def pack(tensor: Tensor) -> Tensor:
        shapes.append(tuple(tensor.shape))
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        attention(*tensors)
    return shapes


def test_only_a_small_table_is_kept() -> None:
    assert (8, 64, 77) in kept(given(64, 77, 8, torch.bfloat16))
    edge = round(KEPT**0.5) + 1
    assert not any(shape[-2:] == (edge, edge) for shape in kept(given(edge, edge, 8, torch.bfloat16)))


def test_float32_and_what_is_not_differentiated_are_the_stock_one_bit_for_bit() -> None:
    tensors = given(64, 77, 24, torch.float32)
    ours, stock = (answered(how, tensors) for how in (attention, functional.scaled_dot_product_attention))
    assert all(torch.equal(one, other) for one, other in zip(ours, stock, strict=True))
    half = given(64, 77, 24, torch.bfloat16)
    with torch.no_grad():
        assert torch.equal(attention(*half), functional.scaled_dot_product_attention(*half))
