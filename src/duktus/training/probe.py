"""Device and arithmetic chosen by trying them: one real step forward and back on the real model.

No list of devices can say this: public sources contradict each other on bfloat16 on Apple GPUs
(https://github.com/kohya-ss/musubi-tuner/issues/790, https://github.com/karpathy/nanochat/pull/793). The
adapter, the optimizer and the loss stay in float32 whatever the base computes in.
"""

from __future__ import annotations

import gc
import math
import time
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import InputError, TrainingError
from duktus.domain.style import Method
from duktus.families import at_use, registry
from duktus.training.learning import begin
from duktus.training.measures import NOTHING, Measures, asked, ladder
from duktus.training.memory import Fit, expected_bytes, free_memory, out_of_memory, release, size
from duktus.training.recomputing import example, recompute, recomputes, step_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    measures: Measures = NOTHING
    """What it took to fit into the memory."""

    @property
    def words(self) -> str:
        """The trial as one line."""
        if self.fault:
            return f"{self.device} {self.dtype}: {self.fault}"
        against = "" if not self.error else f", error {self.error:.1%}"
        took = f", with {self.measures.words}" if self.measures != NOTHING else ""
        return f"{self.device} {self.dtype}: {self.seconds:.2f} s a picture forward and back{against}{took}"

    def beats(self, other: Trial | None) -> bool:
        """Whether this arithmetic is taken instead of the other: fewer measures first, then clearly more
        speed. On a CPU what is quick follows from the processor alone (see :func:`_dtypes`).
        """
        if other is None or self.measures != other.measures:
            return other is None or self.measures < other.measures
        return self.device == "cpu" or self.seconds * WORTH < other.seconds


@dataclass(frozen=True, slots=True)
class Choice:
    """The winner and everything that was tried."""

    device: str
    dtype: str
    trials: tuple[Trial, ...]
    fit: Fit
    """Its measures, and how they fit into the memory."""
    loaded: LoadedBase
    """The base, loaded as chosen."""


@dataclass(slots=True)
class _Tried:
    """One arithmetic on the lowest rung that carries it."""

    trial: Trial
    fit: Fit | None = None
    gradient: Tensor | None = None
    loaded: LoadedBase | None = None


def choose(
    base: Base, settings: TeachSettings, device: str = "auto", rungs: Sequence[Measures] | None = None
) -> Choice:
    """Try what ``device`` (``auto``, ``cpu``, ``cuda``, ``mps``) may compute in and take the best.

    Each arithmetic is tried with the first of ``rungs`` (all that the settings leave open) that fits into
    the free memory, the last where none does. float32 wins unless another is finite, close to it, and needs
    fewer measures or is clearly faster. One copy of the base is in memory at a time. Raises
    :class:`TrainingError` with every trial when none works.
    """
    place = _device(device)
    wanted = [settings.dtype] if settings.dtype != "auto" else _dtypes(place)
    trials: list[Trial] = []
    taken: _Tried | None = None
    reference: Tensor | None = None
    for dtype in wanted:
        if taken is not None and taken.loaded is not None:
            release(taken.loaded)
            taken.loaded = None
        tried = _try(base, settings, (place, dtype), rungs or ladder(settings, place), reference)
        trials.append(tried.trial)
        if tried.trial.fault:
            continue
        if dtype == "float32":
            reference = tried.gradient
        if tried.trial.beats(taken.trial if taken else None):
            taken = tried
        elif tried.loaded is not None:
            release(tried.loaded)
        del tried
    if taken is None:
        raise TrainingError(
            f"{base.name} cannot be taught on {place}.",
            "; ".join(trial.words for trial in trials) + ".",
            "Teach with --device cpu --dtype float32.",
        )
    assert taken.fit is not None
    loaded = taken.loaded or _load(base, place, taken.trial.dtype, taken.fit.measures)
    recompute(loaded, on=taken.fit.measures.recompute)
    return Choice(taken.trial.device, taken.trial.dtype, tuple(trials), taken.fit, loaded)


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

    A CPU is asked what it can, not timed: on a busy machine a stopwatch would decide now this way, now
    that, and with it the bits of a run that are promised to be the same. Where vectors of bfloat16 are
    multiplied in hardware a step of the miniature takes 0.7 to 0.85 of its time in float32, matrices alone
    0.4. With AMX, which has tiles for it besides, it took twice as long (0.29 s against 0.12 s a picture).
    """
    if device == "cpu":
        can = torch.cpu.get_capabilities()
        quick = can.get("avx512_bf16") and not can.get("amx_tile")
        return ["float32", "bfloat16"] if quick else ["float32"]
    if device == "cuda" and not torch.cuda.is_bf16_supported():
        return ["float32", "float16"]
    return ["float32", "bfloat16", "float16"] if device == "mps" else ["float32", "bfloat16"]


def _try(
    base: Base,
    settings: TeachSettings,
    where: tuple[str, str],
    rungs: Sequence[Measures],
    reference: Tensor | None,
) -> _Tried:
    """The arithmetic ``where`` (device, dtype) against the gradient of float32, if there is one."""
    device, dtype = where
    try:
        loaded, fit, step = _lowest(base, settings, where, rungs)
    except (RuntimeError, TypeError) as error:  # torch's word for "not on this device" and "no memory"
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return _Tried(Trial(device, dtype, math.inf, None, f"failed ({reason})"))
    if not bool(torch.isfinite(step.gradient).all()):
        release(loaded)
        return _Tried(Trial(device, dtype, step.seconds, None, "numbers overflow"))
    off = None
    if reference is not None:
        off = float((step.gradient - reference).norm() / reference.norm())
        if off > TOLERANCE:
            release(loaded)
            fault = f"its gradient is {off:.0%} away from float32"
            return _Tried(Trial(device, dtype, step.seconds, off, fault))
    trial = Trial(device, dtype, step.seconds, off, measures=fit.measures)
    return _Tried(trial, fit, step.gradient, loaded)


def _lowest(
    base: Base, settings: TeachSettings, where: tuple[str, str], rungs: Sequence[Measures]
) -> tuple[LoadedBase, Fit, _Step]:
    """The base on the first rung that carries a real step; measured, not believed."""
    device, dtype = where
    for holding, alike in groupby(rungs, key=lambda measures: measures.holding):
        tried = [*alike]
        last = tried[-1] == rungs[-1]
        if not last and expected_bytes(base, dtype, holding) > free_memory(torch.device(device)):
            continue  # loading alone would be too much
        try:
            loaded = _load(base, device, dtype, tried[0])
            kept = step_bytes(loaded, settings)
        except RuntimeError as error:
            if last or not out_of_memory(error):
                raise
            gc.collect()  # what was loaded of it hangs together in circles
            continue
        room = free_memory(loaded.device)
        if settings.method is not Method.TEXTUAL_INVERSION:  # which needs the text encoders all the time
            room += loaded.encoder_bytes
        for measures in tried:
            step = kept.with_recomputing(on=measures.recompute)
            fit = Fit(measures, loaded.denoiser_bytes, step, room, asked=measures == asked(settings, device))
            if not fit.fits and measures != rungs[-1]:
                continue
            recompute(loaded, on=measures.recompute)
            try:
                took = _step(loaded, settings)
            except RuntimeError as error:
                if measures == rungs[-1] or not out_of_memory(error):
                    raise
                continue
            return loaded, replace(fit, slower=took.slower), took
        release(loaded)
    raise AssertionError("the last rung is always tried")


def _load(base: Base, device: str, dtype: str, measures: Measures) -> LoadedBase:
    return registry.family(base.family).load(base, device=device, dtype=dtype, holding=measures.holding)


@dataclass(frozen=True, slots=True)
class _Step:
    """One picture forward and back."""

    seconds: float
    gradient: Tensor
    """Of what begins as zero; that of the rest is zero too. Of all vectors of a word."""
    slower: float
    """How many times as long it took as without what it did for memory."""


def _step(loaded: LoadedBase, settings: TeachSettings) -> _Step:
    """The second of two; what it did for memory is timed within it."""
    shown = example(loaded, settings, settings.resolution)
    learning = begin(loaded, settings)
    try:
        seconds = extra = 0.0
        for _ in range(2):
            for parameter in learning.named.values():
                parameter.grad = None
            with at_use.timed(loaded.device) as making:
                started = time.perf_counter()
                answer = loaded.predict(shown.noisy, shown.timesteps, shown.texts.rows([0]))
                _wait(loaded.device)
                forward, made = time.perf_counter() - started, making.seconds
                (answer.float() - shown.target).square().mean().backward()
                _wait(loaded.device)
                seconds = time.perf_counter() - started
            extra = making.seconds
            if recomputes(loaded):  # the forward pass a second time, its making of weights counted once
                extra += forward - made
        found = [one.grad for name, one in learning.named.items() if not name.endswith(".down")]
        gradient = torch.cat([grad.float().cpu().flatten() for grad in found if grad is not None])
        return _Step(seconds, gradient, seconds / max(seconds - extra, seconds / 10))
    finally:
        learning.remove()


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


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
    rungs = ladder(settings, device)
    needed = expected_bytes(base, dtype, rungs[-1].holding)
    free = free_memory(torch.device(device))
    if needed > free:
        fault = f"not tried: its weights take {size(needed)} at least, {size(free)} are free"
        return Trial(device, dtype, math.inf, None, fault), None
    tried = _try(base, settings, (device, dtype), rungs, reference)
    if tried.loaded is not None:
        release(tried.loaded)
    return tried.trial, tried.gradient


def _devices() -> list[str]:
    """Those that are here, the fastest kind first."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, usable in there.items() if usable]
