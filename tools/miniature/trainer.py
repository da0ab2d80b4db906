"""One optimiser step and one checkpoint, shared by all three stages.

A checkpoint is a single safetensors file (weights, moving average, Adam moments, step, seconds
spent), written beside its target and renamed, so that a kill at any moment leaves a whole one.
All randomness of a step is derived from its number; so nothing else needs to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tools.miniature.progress import Budget, Log

Schedule = Callable[[float], float]
"""From the fraction of the stage that is done (0..1) to a factor on the learning rate."""


def device_of(name: str) -> torch.device:
    """`auto` is CUDA where there is one; on a CPU denormals are flushed, they cost much."""
    torch.set_flush_denormal(True)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where it is fast: twice fp32 on a CPU with AMX (measured), more on CUDA.

    A CPU without bfloat16 instructions stays in fp32.
    """
    capable = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - no public twin
    return torch.autocast(device.type, torch.bfloat16, enabled=capable)


def write_tensors(path: Path, tensors: dict[str, Tensor], facts: dict[str, float]) -> None:
    """Writes a safetensors file whole or not at all."""
    part = path.with_suffix(".part")
    save_file({k: v.detach().contiguous() for k, v in tensors.items()}, part, {"facts": json.dumps(facts)})
    part.replace(path)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, float]]:
    """What `write_tensors` wrote, on the CPU."""
    with safe_open(path, framework="pt") as file:
        facts: dict[str, float] = json.loads(file.metadata()["facts"])
        return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118


class Trainer:
    """AdamW with clipping, a schedule over the budget and a moving average of the weights."""

    def __init__(
        self, module: nn.Module, path: Path, budget: Budget, rate: float, schedule: Schedule, log: Log
    ) -> None:
        self.module, self.path, self.budget, self.log = module, path, budget, log
        self.rate, self.schedule, self.save_every = rate, schedule, 120.0
        self.parameters = list(module.parameters())
        self.optimiser = torch.optim.AdamW(
            self.parameters, rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True
        )
        self.average = [p.detach().clone() for p in self.parameters]
        self._saved = 0.0
        self._resume()

    def step(self, loss: Tensor) -> None:
        """Backward, clip to norm 1, update weights and average; saves now and then."""
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        step = self.budget.step
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * min(1.0, (step + 1) / 150) * self.schedule(self.budget.fraction)
        self.optimiser.step()
        keep = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.parameters, 1 - keep)
        self.budget.advance()
        if self.budget.spent - self._saved > self.save_every:
            self.save()

    def save(self) -> None:
        """Writes the checkpoint."""
        tensors: dict[str, Tensor] = {}
        for i, p in enumerate(self.parameters):
            tensors[f"weight.{i}"], tensors[f"average.{i}"] = p, self.average[i]
            for key, value in self.optimiser.state.get(p, {}).items():
                tensors[f"adam.{i}.{key}"] = value
        self._saved = self.budget.spent
        write_tensors(self.path, tensors, {"step": self.budget.step, "spent": self.budget.spent})

    def _resume(self) -> None:
        if not self.path.exists():
            return
        tensors, facts = read_tensors(self.path)
        self.budget.step, self.budget.spent = int(facts["step"]), facts["spent"]
        self._saved = self.budget.spent
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                p.copy_(tensors[f"weight.{i}"])
                self.average[i].copy_(tensors[f"average.{i}"])
                state = {k.split(".")[2]: v for k, v in tensors.items() if k.startswith(f"adam.{i}.")}
                if state:
                    self.optimiser.state[p] = {
                        k: v.clone() if k == "step" else torch.empty_like(p).copy_(v)
                        for k, v in state.items()
                    }
        self.log(f"resumed {self.path.name} at step {self.budget.step}, {self.budget.spent / 60:.1f} min in")

    def swap(self) -> None:
        """Exchanges weights and average: call it before looking at the result and again after."""
        with torch.no_grad():
            for p, a in zip(self.parameters, self.average, strict=True):
                kept = p.detach().clone()
                p.copy_(a)
                a.copy_(kept)
