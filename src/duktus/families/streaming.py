"""A denoiser from its files into memory one tensor at a time, for bases that do not fit as they are.

diffusers' own loading holds every weight in the dtype that is computed in before anybody can make it smaller.
Here the network begins without any memory, and each tensor takes its final form as it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import nn

from duktus.domain.errors import InputError
from duktus.families import at_use
from duktus.families.offload import Convoy, Copied, Mapped, groups

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from duktus.families.diffusers_folder import Weights
    from duktus.families.holding import Holding

Place = Callable[[str, "Tensor"], bool]
"""Gives a layer the weight that was read for it; False to leave both as they are."""


def streamed(
    kind: Any, folder: Path, weights: Weights, *, dtype: torch.dtype, device: torch.device, holding: Holding
) -> Any:
    """The diffusers network in ``folder``, its weights held as asked.

    Raises :class:`InputError` when the files hold other tensors than the network has.
    """
    with torch.device("meta"):
        network: Any = kind.from_config(kind.load_config(folder, local_files_only=True))
    assert not [*network.buffers()], "a buffer that no file holds would stay without memory"
    missing = {name for name, _ in network.named_parameters()}
    large = at_use.large(network) if holding.int8 or holding.offload else ()
    mapped = Mapped() if holding.offload and device.type == "cpu" else None
    place = _places(network, large, (dtype, device), holding, mapped)
    unknown: list[str] = []
    for path in weights.files:
        pages = {} if mapped is None else mapped.tensors(path)
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 no mapping
                if name not in missing:
                    unknown.append(name)
                    continue
                missing.discard(name)
                stem = name.removesuffix(".weight")
                away = stem in large and mapped is not None
                tensor: Tensor = pages[name] if away else file.get_tensor(name)
                if stem not in large or not place(stem, tensor):
                    _put(network, name, tensor.to(device, dtype))
    if missing or unknown:
        _other(folder, sorted(missing), unknown)
    return network.eval().requires_grad_(requires_grad=False)


def _places(
    network: nn.Module,
    large: tuple[str, ...],
    computing: tuple[torch.dtype, torch.device],
    holding: Holding,
    mapped: Mapped | None,
) -> Place:
    """What becomes of the large weights."""
    dtype, device = computing
    if not holding.offload:
        return lambda path, weight: at_use.in_int8(network, path, weight.to(device, dtype))
    carrier = mapped or Copied(device)
    convoy = Convoy(carrier)
    block_of = groups(network, large)
    blocks = {name: convoy.block() for name in dict.fromkeys(block_of.values())}

    def leave(path: str, weight: Tensor) -> bool:
        scale: Tensor | None = None
        if isinstance(carrier, Copied):
            pair = at_use.small(weight.to(dtype)) if holding.int8 else None
            if pair is not None:
                weight, scale = pair[0], pair[1].to(device)
            elif weight.ndim == 4:
                weight = weight.to(dtype, memory_format=torch.channels_last)
            weight = carrier.resting(weight if scale is not None else weight.to(dtype))
        layer = at_use.exchanged(network, path)
        layer.hold(None, scale, dtype)
        layer.leave_with(convoy, blocks[block_of[path]], weight)
        return True

    return leave


def _put(network: nn.Module, name: str, tensor: Tensor) -> None:
    place, _, last = name.rpartition(".")
    setattr(network.get_submodule(place), last, nn.Parameter(tensor, requires_grad=False))


def _other(folder: Path, missing: list[str], unknown: list[str]) -> None:
    named = f"{missing[0]} is missing" if missing else f"{unknown[0]} has no place"
    raise InputError(
        f"The weights in {folder} are not those of its config.json.",
        f"{len(missing)} tensors are missing and {len(unknown)} have no place; {named}.",
        "Copy or download the base again.",
    )
