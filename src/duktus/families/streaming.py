"""A denoiser from its files into memory one tensor at a time, for bases that do not fit as they are.

diffusers' own loading holds every weight in the dtype that is computed in before anybody can make it smaller.
Here the network begins without any memory, and each tensor takes its final form as it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import nn

from duktus.domain.errors import InputError
from duktus.families import at_use

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from duktus.families.diffusers_folder import Weights
    from duktus.families.holding import Holding


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
    small = set(at_use.large(network)) if holding.int8 else set[str]()
    unknown: list[str] = []
    for path in weights.files:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 no mapping
                if name not in missing:
                    unknown.append(name)
                    continue
                missing.discard(name)
                tensor: Tensor = file.get_tensor(name).to(device, dtype, copy=True)
                stem = name.removesuffix(".weight")
                if stem not in small or not at_use.in_int8(network, stem, tensor):
                    _put(network, name, tensor)
    if missing or unknown:
        _other(folder, sorted(missing), unknown)
    return network.eval().requires_grad_(requires_grad=False)


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
