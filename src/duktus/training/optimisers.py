"""The optimisers that a run may use, and their state as named tensors, so that a checkpoint holds all of it.

AdamW and Adafactor are PyTorch's own; Prodigy is its authors' (``prodigyopt``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from prodigyopt import Prodigy

from duktus.domain.style import Optimiser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from duktus.domain.style import TeachSettings

_PREFIX = "optimizer/"
_SHARED = "shared"
"""Where the numbers stand that belong to all parameters together; no parameter has a name without a dot."""
_SHARED_NUMBERS = {Optimiser.PRODIGY: ("k", "d", "d_max", "d_numerator")}
"""What changes in an optimiser's parameter group. AdamW and Adafactor keep everything per parameter."""


class Stepper:
    """Moves named parameters along their gradients with the optimiser of the settings."""

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], settings: TeachSettings, device: torch.device
    ) -> None:
        self._parameters = dict(parameters)
        self._numbers = _SHARED_NUMBERS.get(settings.optimiser, ())
        self._optimiser = _MAKERS[settings.optimiser]([*parameters.values()], settings, device)
        fused = settings.optimiser is Optimiser.ADAMW and _can_fuse(device)
        self._counts_on = device if fused else torch.device("cpu")
        """Where PyTorch keeps the number of steps."""

    def forget_gradients(self) -> None:
        """Drop the gradients of the last step."""
        self._optimiser.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self._optimiser.step()

    def tensors(self) -> dict[str, Tensor]:
        """The whole state by name; empty before the first step. Plain numbers become int64 or float64."""
        state, out = self._optimiser.state, dict[str, "Tensor"]()
        for name, parameter in self._parameters.items():
            for key, value in state.get(parameter, {}).items():
                out[f"{_PREFIX}{name}/{key}"] = _as_tensor(value)
        if out:
            group = self._optimiser.param_groups[0]
            out |= {f"{_PREFIX}{_SHARED}/{key}": _as_tensor(group[key]) for key in self._numbers}
        return out

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take on the state that :meth:`tensors` gave, found among other tensors by its names."""
        for full, tensor in tensors.items():
            if not full.startswith(_PREFIX):
                continue
            name, key = full.removeprefix(_PREFIX).rsplit("/", 1)
            if name == _SHARED:
                self._optimiser.param_groups[0][key] = tensor.item()
                continue
            parameter = self._parameters[name]
            place = self._counts_on if key == "step" else parameter.device
            self._optimiser.state[parameter][key] = (
                tensor.item() if _is_number(tensor) else tensor.to(place, copy=True)
            )


def _adamw(parameters: list[nn.Parameter], settings: TeachSettings, device: torch.device) -> Any:
    fused = _can_fuse(device)
    return torch.optim.AdamW(
        parameters,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=fused,
        foreach=not fused,
    )


def _adafactor(parameters: list[nn.Parameter], settings: TeachSettings, _device: torch.device) -> Any:
    """With the learning rate taken as it is, as ``scale_parameter=False, relative_step=False`` does in
    transformers and sd-scripts (Shazeer and Stern 2018, arXiv 1804.04235, describe both).

    PyTorch multiplies the rate by ``max(eps2, RMS of the parameter)``. ``up`` begins at zero, so the usual
    1e-3 would all but stop it; 1 is above the RMS of any adapter, which leaves the rate alone. The usual
    eps1, 1.2e-7, stands beside squared gradients and would drown those of an adapter.
    """
    return torch.optim.Adafactor(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, eps=(1e-16, 1.0)
    )


def _prodigy(parameters: list[nn.Parameter], settings: TeachSettings, _device: torch.device) -> Any:
    """With the two switches that its authors advise for diffusion models (github.com/konstmish/prodigy)."""
    made = Prodigy(parameters, lr=settings.learning_rate, safeguard_warmup=True, use_bias_correction=True)
    for group in made.param_groups:
        group["weight_decay"] = settings.weight_decay  # its constructor would print a line about it
    return made


_MAKERS: dict[Optimiser, Callable[[list[nn.Parameter], TeachSettings, torch.device], Any]] = {
    Optimiser.ADAMW: _adamw,
    Optimiser.ADAFACTOR: _adafactor,
    Optimiser.PRODIGY: _prodigy,
}


def _can_fuse(device: torch.device) -> bool:
    return device.type in {"cpu", "cuda"}


def _as_tensor(value: Tensor | float) -> Tensor:
    if isinstance(value, torch.Tensor):
        return value
    return torch.tensor(value, dtype=torch.int64 if isinstance(value, int) else torch.float64)


def _is_number(tensor: Tensor) -> bool:
    """Whether it was a plain number: optimisers compute in float32 and count in it too."""
    return tensor.ndim == 0 and tensor.dtype in {torch.int64, torch.float64}
