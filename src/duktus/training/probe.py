"""Device and arithmetic chosen by trying them: one real step forward and back on the real model.

No list of devices can say this: public sources contradict each other on bfloat16 on Apple GPUs
(https://github.com/kohya-ss/musubi-tuner/issues/790, https://github.com/karpathy/nanochat/pull/793). The
adapter, the optimizer and the loss stay in float32 whatever the base computes in.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import InputError, TrainingError
from duktus.families import lora, registry
from duktus.families.safetensors_header import read_header
from duktus.training.recomputing import decide, example, free_memory, recompute

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from duktus.domain.base import Base
    from duktus.domain.style import TeachSettings
    from duktus.families.family import LoadedBase

TOLERANCE = 0.1
"""Largest relative error of the gradient against float32 with which an arithmetic is taken."""
WORTH = 1.2
"""How many times faster than float32 another arithmetic must be to be taken."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One arithmetic that was tried. ``error`` is relative to float32 on the same device."""

    device: str
    dtype: str
    seconds: float
    error: float | None
    fault: str = ""
    """Why it cannot be used; empty when it can."""

    @property
    def words(self) -> str:
        """The trial as one line."""
        if self.fault:
            return f"{self.device} {self.dtype}: {self.fault}"
        against = "" if not self.error else f", error {self.error:.1%}"
        return f"{self.device} {self.dtype}: {self.seconds:.2f} s a picture forward and back{against}"

    def beats(self, other: Trial | None) -> bool:
        """Whether this arithmetic is taken instead of the other."""
        return other is None or self.seconds * WORTH < other.seconds


@dataclass(frozen=True, slots=True)
class Choice:
    """The winner and everything that was tried."""

    device: str
    dtype: str
    trials: tuple[Trial, ...]
    loaded: LoadedBase
    """The base, loaded as chosen."""


def choose(base: Base, settings: TeachSettings, device: str = "auto") -> Choice:
    """Try what ``device`` (``auto``, ``cpu``, ``cuda``, ``mps``) may compute in and take the best.

    float32 wins unless another is finite, close to it and clearly faster. Raises
    :class:`TrainingError` with every trial when none works.
    """
    place = _device(device)
    wanted = [settings.dtype] if settings.dtype != "auto" else _dtypes(place)
    trials: list[Trial] = []
    taken: tuple[Trial, LoadedBase] | None = None
    reference: Tensor | None = None
    for dtype in wanted:
        trial, gradient, loaded = _try(base, settings, place, dtype, reference)
        trials.append(trial)
        if dtype == "float32" and not trial.fault:
            reference = gradient
        if loaded is None or trial.fault:
            continue
        if trial.beats(taken[0] if taken else None):
            taken = (trial, loaded)
    if taken is None:
        raise TrainingError(
            f"{base.name} cannot be taught on {place}.",
            "; ".join(trial.words for trial in trials) + ".",
            "Teach with --device cpu --dtype float32.",
        )
    return Choice(taken[0].device, taken[0].dtype, tuple(trials), taken[1])


def _device(device: str) -> str:
    there = _devices()
    if device == "auto":
        return there[0]
    if device not in there:
        raise InputError(
            f"There is no device {device!r} here.",
            f"This machine has: {', '.join(there)}.",
            "Use one of them.",
        )
    return device


def _dtypes(device: str) -> list[str]:
    """What is worth trying, float32 first because the others are measured against it.

    A CPU teaches in float32 unless asked otherwise: bfloat16 was slower on one with AMX (0.29 s against
    0.12 s a picture), and on a busy machine a stopwatch would decide now this way, now that, and with it
    the bits of a run that are promised to be the same.
    """
    if device == "cpu":
        return ["float32"]
    if device == "cuda" and not torch.cuda.is_bf16_supported():
        return ["float32", "float16"]
    return ["float32", "bfloat16", "float16"] if device == "mps" else ["float32", "bfloat16"]


def _try(
    base: Base, settings: TeachSettings, device: str, dtype: str, reference: Tensor | None
) -> tuple[Trial, Tensor | None, LoadedBase | None]:
    try:
        loaded = registry.family(base.family).load(base, device=device, dtype=dtype)
        recompute(loaded, on=decide(loaded, settings).recompute)
        seconds, gradient = _step(loaded, settings)
    except (RuntimeError, TypeError) as error:  # torch's word for "not on this device" and "no memory"
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return Trial(device, dtype, math.inf, None, f"failed ({reason})"), None, None
    if not bool(torch.isfinite(gradient).all()):
        return Trial(device, dtype, seconds, None, "numbers overflow"), None, None
    off = None
    if reference is not None:
        off = float((gradient - reference).norm() / reference.norm())
        if off > TOLERANCE:
            fault = f"its gradient is {off:.0%} away from float32"
            return Trial(device, dtype, seconds, off, fault), None, None
    return Trial(device, dtype, seconds, off), gradient, loaded


def _step(loaded: LoadedBase, settings: TeachSettings) -> tuple[float, Tensor]:
    """Seconds of one picture forward and back (the second of two), and the gradient of every ``up``."""
    shown = example(loaded, settings, settings.resolution)
    paths = loaded.target_modules(settings.targets)
    adapters = lora.inject(loaded.denoiser, paths, rank=settings.rank, alpha=settings.alpha, seed=0)
    try:
        seconds = 0.0
        for _ in range(2):
            adapters.zero_grad()
            started = time.perf_counter()
            answer = loaded.predict(shown.noisy, shown.timesteps, shown.text)
            (answer.float() - shown.target).square().mean().backward()
            if loaded.device.type != "cpu":
                torch.accelerator.synchronize()
            seconds = time.perf_counter() - started
        ups = [parameter.grad for name, parameter in adapters.named_parameters() if name.endswith("up")]
        return seconds, torch.cat([grad.float().cpu().flatten() for grad in ups if grad is not None])
    finally:
        adapters.eject()


def _surveyed_dtypes(device: str) -> tuple[str, ...]:
    """float32 first, which the others are measured against; a CPU computes float16 in detours."""
    return ("float32", "bfloat16") if device == "cpu" else ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Survey:
    """What a machine can compute in: every trial, and the one that teaching would take (None: none)."""

    trials: tuple[Trial, ...]
    taken: Trial | None


def survey(base: Base, settings: TeachSettings, say: Callable[[str], object]) -> Survey:
    """Try every arithmetic on every device that is here; what has no room is not tried."""
    trials: list[Trial] = []
    for device in _devices():
        reference: Tensor | None = None
        for dtype in _surveyed_dtypes(device):
            say(f"Trying {base.name} on {device} in {dtype}.")
            trial, gradient = _surveyed(base, settings, device, dtype, reference)
            reference = gradient if dtype == "float32" else reference
            trials.append(trial)
    taken: Trial | None = None
    place = _device("auto")
    for trial in trials:
        if trial.device == place and trial.dtype in _dtypes(place) and not trial.fault and trial.beats(taken):
            taken = trial
    return Survey(tuple(trials), taken)


def _surveyed(
    base: Base, settings: TeachSettings, device: str, dtype: str, reference: Tensor | None
) -> tuple[Trial, Tensor | None]:
    """One trial; the base it loaded is gone when this returns."""
    needed, free = weights_bytes(base, dtype), free_memory(torch.device(device))
    if needed > free:
        fault = f"not tried: its weights take {needed / 2**30:.1f} GB, {free / 2**30:.1f} GB are free"
        return Trial(device, dtype, math.inf, None, fault), None
    trial, gradient, _ = _try(base, settings, device, dtype, reference)
    return trial, gradient


def weights_bytes(base: Base, dtype: str) -> int:
    """What the weights of all networks of a base take in an arithmetic."""
    each = torch.finfo(getattr(torch, dtype)).bits // 8
    shapes = (
        tensor.shape
        for path in base.folder.glob("*/*.safetensors")
        for tensor in read_header(path).tensors.values()
    )
    return sum(math.prod(shape) for shape in shapes) * each


def _devices() -> list[str]:
    """Those that are here, the fastest kind first."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, usable in there.items() if usable]
