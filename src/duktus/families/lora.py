"""Low-rank adapters *beside* the weights: the base is never changed and never fused.

Each adapted Linear or Conv2d computes ``base(x) + strength * alpha / rank * up(down(x))``. The strength may
differ for every picture of a batch, several styles may sit on one module, and strength 0 gives the base's
own bits. The modules stay where they are in the tree (only their ``forward`` is replaced on the instance),
so ``named_modules`` keeps the true paths and ``state_dict`` the true names.

Low-rank adaptation: Hu et al. 2021, arXiv 2106.09685. Convolutions: the kernel stays on ``down`` and ``up``
is 1x1, as kohya-ss/sd-scripts and LoCon write them.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from duktus.domain.errors import MismatchError
from duktus.families.proof import Held, arithmetic_of, held_conv2d, held_linear

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

_rows: ContextVar[Tensor | None] = ContextVar("rows", default=None)


@contextmanager
def only_rows(index: Tensor) -> Generator[None]:
    """Within, a batch holds only the pictures at ``index`` (m,) of those that strengths were set for."""
    token = _rows.set(index)
    try:
        yield
    finally:
        _rows.reset(token)


class LoraPair(nn.Module):
    """One module's adapter: ``down`` (r, in[, kh, kw]) and ``up`` (out, r[, 1, 1])."""

    def __init__(
        self,
        module: nn.Linear | nn.Conv2d,
        tensors: tuple[Tensor, Tensor],
        scale: float,
        *,
        arithmetic: type[Held] | None,
    ) -> None:
        super().__init__()
        down, up = tensors
        self.down = nn.Parameter(down)
        self.up = nn.Parameter(up)
        self.scale = scale
        self.factors: Tensor | None = None
        """Strength times scale of each picture, (n,)."""
        self.silent = False
        like = module if isinstance(module, nn.Conv2d) else None
        if arithmetic is None:
            compute: Any = partial(_stock, like)
        elif like is None:
            compute = (held_linear(self.down, how=arithmetic), held_linear(self.up, how=arithmetic))
        else:
            self.down.data = down.to(memory_format=torch.channels_last)
            compute = (
                held_conv2d(self.down, like=like, how=arithmetic),
                held_conv2d(self.up, how=arithmetic),
            )
        self.__dict__["compute"] = compute  # kept from nn.Module, which would adopt the base's module

    def forward(self, x: Tensor) -> Tensor:
        """What is added to the module's output, for a batch of pictures (n, ...)."""
        compute = self.__dict__["compute"]
        if not isinstance(compute, tuple):
            return compute(self, x)
        down, up = compute
        return up(self.scaled(down(x)))

    def scaled(self, inner: Tensor) -> Tensor:
        """``inner`` (n, ...) times each picture's strength and the adapter's scale."""
        if self.factors is not None:
            rows = _rows.get()
            factors = self.factors if rows is None else self.factors[rows]
            return inner * factors.to(inner.dtype).view(-1, *(1,) * (inner.ndim - 1))
        return inner if self.scale == 1 else inner * self.scale


def _stock(like: nn.Conv2d | None, pair: LoraPair, x: Tensor) -> Tensor:
    """With torch's own operations, which can be differentiated; parameters follow the dtype of ``x``."""
    down, up = pair.down.to(x.dtype), pair.up.to(x.dtype)
    if like is None:
        return functional.linear(pair.scaled(functional.linear(x, down)), up)
    inner = functional.conv2d(x, down, None, like.stride, like.padding, like.dilation)
    return functional.conv2d(pair.scaled(inner), up)


class Beside:
    """The ``forward`` of an adapted module: its own answer plus those of its adapters, in order."""

    def __init__(self, module: nn.Module) -> None:
        self.before = module.__dict__.get("forward")
        self.base = module.forward
        self.pairs: list[LoraPair] = []

    def __call__(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The sum; a silent adapter is not computed at all."""
        answer = self.base(x, *args, **kwargs)
        for pair in self.pairs:
            if not pair.silent:
                answer = answer + pair(x)
        return answer


class LoraSet(nn.Module):
    """The adapters of one style on one denoiser, by true module path."""

    def __init__(
        self, denoiser: nn.Module, tensors: Mapping[str, tuple[Tensor, Tensor]], scale: Mapping[str, float]
    ) -> None:
        super().__init__()
        table = dict(denoiser.named_modules())
        self.paths = tuple(tensors)
        missing = [path for path in self.paths if not isinstance(table.get(path), nn.Linear | nn.Conv2d)]
        if missing:
            raise MismatchError(
                f"{len(missing)} of {len(self.paths)} modules of the style do not exist in this base, "
                f"the first is {missing[0]}."
            )
        self._modules_adapted: list[Any] = [table[path] for path in self.paths]
        arithmetic = arithmetic_of(denoiser)
        self.pairs = nn.ModuleList(
            LoraPair(table[path], pair, scale[path], arithmetic=arithmetic)  # pyright: ignore[reportArgumentType]
            for path, pair in tensors.items()
        )
        self.attached = False
        self.attach()

    def attach(self) -> None:
        """Let the adapters take part, after those already there. Twice is once."""
        if self.attached:
            return
        for module, pair in self._each():
            beside = module.__dict__.get("forward")
            if not isinstance(beside, Beside):
                beside = Beside(module)
                module.forward = beside
            beside.pairs.append(pair)
        self.attached = True

    def eject(self) -> None:
        """Take the adapters away; the denoiser is exactly what it was."""
        if not self.attached:
            return
        for module, pair in self._each():
            beside: Beside = module.forward
            beside.pairs = [other for other in beside.pairs if other is not pair]
            if not beside.pairs:
                if beside.before is None:
                    del module.forward
                else:
                    module.forward = beside.before
        self.attached = False

    def set_strengths(self, strengths: Tensor | None) -> None:
        """Strength (n,) of each picture in the coming batches; ``None`` means 1 for all.

        Where every strength is 0 the adapters are not computed at all.
        """
        silent = strengths is not None and not bool(strengths.any())
        for _, pair in self._each():
            pair.factors = None if strengths is None else strengths * pair.scale
            pair.silent = silent

    @contextmanager
    def silenced(self) -> Generator[None]:
        """Within, the denoiser answers as the base does, bit for bit; afterwards at strength 1 again."""
        self.set_strengths(torch.zeros(1))
        try:
            yield
        finally:
            self.set_strengths(None)

    def tensors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """``{module path: (down, up)}``, detached views of the parameters."""
        return {
            path: (pair.down.detach(), pair.up.detach())
            for path, (_, pair) in zip(self.paths, self._each(), strict=True)
        }

    def load(self, tensors: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Copy values of the same paths and shapes into the parameters."""
        if set(tensors) != set(self.paths):
            raise MismatchError("The adapter to load has other modules than this one.")
        with torch.no_grad():
            for path, (_, pair) in zip(self.paths, self._each(), strict=True):
                down, up = tensors[path]
                pair.down.copy_(down)
                pair.up.copy_(up)

    def _each(self) -> Iterator[tuple[Any, LoraPair]]:
        for module, pair in zip(self._modules_adapted, self.pairs, strict=True):
            assert isinstance(pair, LoraPair)
            yield module, pair


def inject(
    denoiser: nn.Module, module_paths: Sequence[str], *, rank: int, alpha: float, seed: int
) -> LoraSet:
    """A fresh trainable adapter on those modules: ``down`` Kaiming-uniform from ``seed``, ``up`` zero.

    Parameters are float32 on the denoiser's device whatever its dtype; the values depend on the seed
    and the order of the paths only.
    """
    table = dict(denoiser.named_modules())
    generator = torch.Generator().manual_seed(seed)
    device = next(denoiser.parameters()).device
    tensors: dict[str, tuple[Tensor, Tensor]] = {}
    for path in module_paths:
        module = table.get(path)
        if not isinstance(module, nn.Linear | nn.Conv2d):
            raise MismatchError(f"{path} is not a Linear or Conv2d of this base.")
        outer, *inner = _shape(module)
        down = torch.empty(rank, *inner)
        nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=generator)
        up = torch.zeros(outer, rank, *(1,) * (len(inner) - 1))
        tensors[path] = (down.to(device), up.to(device))
    return LoraSet(denoiser, tensors, dict.fromkeys(tensors, alpha / rank))


def _shape(module: nn.Linear | nn.Conv2d) -> tuple[int, ...]:
    """Of its weight, which may have to be made to be looked at."""
    if isinstance(module, nn.Linear):
        return (module.out_features, module.in_features)
    return (module.out_channels, module.in_channels // module.groups, *module.kernel_size)


def mount(denoiser: nn.Module, tensors: Mapping[str, tuple[Tensor, Tensor, float]]) -> LoraSet:
    """A finished adapter ``{path: (down, up, alpha / rank)}`` for rendering: frozen, attached."""
    like = next(one for one in denoiser.parameters() if one.is_floating_point())
    pairs = {path: (down.to(like), up.to(like)) for path, (down, up, _) in tensors.items()}
    lora = LoraSet(denoiser, pairs, {path: scale for path, (_, _, scale) in tensors.items()})
    return lora.requires_grad_(requires_grad=False)
