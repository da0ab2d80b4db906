"""Teaching a style, start to end: cache, train, look, keep, stop, judge, export."""

from __future__ import annotations

import contextlib
import platform
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from duktus.domain.canonical import sha256_hex
from duktus.domain.style import CurvePoint, TeachSettings, Verdict
from duktus.families import registry
from duktus.training.cache import build_cache
from duktus.training.checkpoint import CheckpointFolder, RunRecord, check_resumable
from duktus.training.evaluation import Evaluation, Probes, Swapped, build_probes, mean
from duktus.training.events import Evaluated, OnEvent, Said, Sampled, Saved, Stepped
from duktus.training.export import Exported, export_style, write_quietly
from duktus.training.looks import Looks, compare_looks
from duktus.training.loop import Trainer
from duktus.training.pictures import open_picture
from duktus.training.preflight import check_role, checkpoint_words, held_out_words, peak_memory
from duktus.training.training_set import TrainingSet
from duktus.training.verdict import Seen, best_step, candidates, has_settled, judge

if TYPE_CHECKING:
    from duktus.domain.base import Base

STYLE_FILE = "style.safetensors"
CHECKPOINTS = "checkpoints"
ALIVE_AFTER = 5
"""Steps after which an adapter that is still zero is an error."""
SAMPLES = 8
"""Seeds of one prompt that the look check draws."""

Sample = Callable[[int, Path], Path | None]
"""Draws a picture with the style file of a step and returns where it lies."""
Draw = Callable[[Path, float, str, Sequence[int]], Sequence[NDArray[np.uint8]]]
"""Pictures (h, w, 3) of one prompt, one per seed, with a style file at a strength."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A finished style."""

    file: Path
    tensor_hash: str
    file_hash: str
    steps: int
    """Of the whole run; ``delivered_step`` is the one in the file."""
    delivered_step: int
    seconds: float
    verdict: Verdict
    curve: tuple[CurvePoint, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paused:
    """A run that was asked to stop; ``checkpoint`` holds all of it, and ``resume`` goes on from there."""

    step: int
    steps: int
    checkpoint: Path


def teach(
    base: Base,
    pictures: TrainingSet,
    settings: TeachSettings,
    folder: Path,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    held_out: TrainingSet | None = None,
    resume: bool = False,
    on_event: OnEvent = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
    sample: Sample | None = None,
    draw: Draw | None = None,
) -> Taught | Paused:
    """Teach ``pictures`` to ``base`` in the run folder ``folder``.

    Without ``held_out`` a fifth of the pictures is held out by rule. Ctrl-C, or ``should_stop``, saves a
    checkpoint and returns :class:`Paused`; the same call with ``resume`` goes on, bit for bit on a CPU.

    Raises:
        InputError: the base is not for teaching, or too few pictures are left.
        ConflictError: the folder holds an earlier run and ``resume`` is not set.
        MismatchError: ``resume`` with other pictures, base or settings, or a picture changed on disk.
        StorageError: disk full or read-only; the checkpoints before are intact.
        TrainingError: numbers overflowed, or the adapter learns nothing.
    """
    check_role(base)
    checkpoints = CheckpointFolder(folder / CHECKPOINTS)
    if not resume:
        checkpoints.refuse_if_used()
    taught, kept = (pictures, held_out) if held_out is not None else pictures.split(settings.held_out)
    on_event(Said(held_out_words(len(taught.pictures), len(kept.pictures), settings)))
    on_event(Said(checkpoint_words(settings)))
    loaded = registry.family(base.family).load(base, device=device, dtype=dtype)
    cache = build_cache(loaded, taught, kept, settings)
    trainer = Trainer(loaded, cache, settings)
    try:
        run = _Run(trainer, build_probes(loaded, cache, settings), checkpoints, taught, kept, dtype, on_event)
        if resume:
            run.resume()
        with _listening(should_stop) as stopped:
            if not run.train(stopped, sample):
                return Paused(trainer.step, settings.steps, run.save())
        return run.finish(folder / STYLE_FILE, draw)
    finally:
        trainer.adapters.eject()


class _Run:
    """The mutable heart of one call of :func:`teach`."""

    def __init__(
        self,
        trainer: Trainer,
        probes: Probes,
        checkpoints: CheckpointFolder,
        taught: TrainingSet,
        held_out: TrainingSet,
        dtype: str,
        on_event: OnEvent,
    ) -> None:
        self.trainer = trainer
        self.settings = trainer.settings
        self.base = trainer.base
        self.probes = probes
        self.checkpoints = checkpoints
        self.taught = taught
        self.held_out = held_out
        self.dtype = dtype
        self.say = on_event
        self.evaluations: list[Evaluation] = []
        self.loss_sum, self.loss_count = 0.0, 0
        self.before = 0.0
        self.started = time.perf_counter()
        self.pace = _Pace()

    def record(self) -> RunRecord:
        return RunRecord(
            step=self.trainer.step,
            settings=self.settings,
            base=self.base.base.ref,
            device=str(self.base.device),
            arithmetic=self.dtype,
            threads=torch.get_num_threads(),
            fingerprint=sha256_hex(f"{self.taught.fingerprint}/{self.held_out.fingerprint}".encode()),
            evaluations=tuple(self.evaluations),
            loss_sum=self.loss_sum,
            loss_count=self.loss_count,
            seconds=self.seconds(),
            versions={"torch": torch.__version__, "python": platform.python_version()},
        )

    def seconds(self) -> float:
        return self.before + time.perf_counter() - self.started

    def resume(self) -> None:
        found, passed = self.checkpoints.newest()
        for words in passed:
            self.say(Said(f"{words} The one before is taken."))
        if found is None:
            self.say(Said("There is no checkpoint yet, so the run begins at step 0."))
            return
        for words in check_resumable(found.record, self.record()):
            self.say(Said(words))
        self.trainer.restore(found.record.step, found.tensors)
        self.evaluations = [*found.record.evaluations]
        self.loss_sum, self.loss_count = found.record.loss_sum, found.record.loss_count
        self.before = found.record.seconds
        self.say(Said(f"The run goes on after step {found.record.step}."))

    def save(self) -> Path:
        path = self.checkpoints.save(self.record(), self.trainer.tensors())
        self.checkpoints.prune(self.settings.keep_checkpoints, candidates(self.evaluations))
        self.say(Saved(path, self.trainer.step))
        return path

    def train(self, stopped: Callable[[], bool], sample: Sample | None) -> bool:
        """Whether the run came to its end, rather than being stopped."""
        settings, trainer = self.settings, self.trainer
        if not self.evaluations:
            self.evaluate()
        while trainer.step < settings.steps and not has_settled(self.evaluations, settings.patience):
            if stopped():
                return False
            self.step()
            if trainer.step == ALIVE_AFTER:
                trainer.check_alive()
            last = trainer.step == settings.steps
            if trainer.step % settings.evaluate_every == 0 or last:
                self.evaluate()
            ended = last or has_settled(self.evaluations, settings.patience)
            if ended or trainer.step % settings.checkpoint_every == 0 or self.may_be_best():
                self.save()
            if sample is not None and settings.sample_every and trainer.step % settings.sample_every == 0:
                self.sample(sample)
        if trainer.step < settings.steps:
            self.say(
                Said(
                    f"The run ended at step {trainer.step} of {settings.steps}: {settings.patience} evaluations "
                    f"brought no lower held-out loss than step {best_step(self.evaluations)}."
                )
            )
        return True

    def step(self) -> None:
        started = time.perf_counter()
        loss = self.trainer.advance()
        self.loss_sum += loss
        self.loss_count += 1
        self.pace.stepped(time.perf_counter() - started)
        step, steps = self.trainer.step, self.settings.steps
        looks = (steps - step) // self.settings.evaluate_every + 1
        left = (steps - step) * self.pace.step + looks * self.pace.evaluation
        self.say(Stepped(step, steps, loss, self.pace.step, left))

    def evaluate(self) -> None:
        started = time.perf_counter()
        train_loss = self.loss_sum / self.loss_count if self.loss_count else None
        evaluation = self.probes.evaluate(self.base, self.trainer.step, train_loss)
        self.loss_sum, self.loss_count = 0.0, 0
        self.evaluations.append(evaluation)
        self.pace.evaluation = time.perf_counter() - started
        first = self.evaluations[0].held_out
        relative = mean(evaluation.held_out) / mean(first) if first else None
        self.say(Evaluated(evaluation.point, relative))

    def may_be_best(self) -> bool:
        return self.evaluations[-1].step == self.trainer.step and self.trainer.step in candidates(
            self.evaluations
        )

    def sample(self, sample: Sample) -> None:
        with tempfile.TemporaryDirectory(dir=self.checkpoints.folder.parent, prefix=".sample-") as name:
            path = Path(name) / STYLE_FILE
            write_quietly(
                path, self.base.base, self.trainer.adapters.tensors(), self.settings, self.trainer.step
            )
            drawn = sample(self.trainer.step, path)
        if drawn is not None:
            self.say(Sampled(self.trainer.step, drawn))

    def finish(self, file: Path, draw: Draw | None) -> Taught:
        """Deliver a step, judge it and write its file."""
        best = best_step(self.evaluations) if self.settings.keep == "best" else None
        last = self.trainer.step
        delivered = last if best is None else best
        if delivered != last:
            self.trainer.load_adapter(self.checkpoints.load(delivered).tensors)
        self.trainer.check_alive()
        exported = export_style(file, self.base, self.trainer.adapters.tensors(), self.settings, delivered)
        verdict = judge(
            Seen(
                evaluations=self.evaluations,
                delivered=delivered,
                keep=self.settings.keep,
                held_out_pictures=len(self.held_out.pictures),
                taught_pictures=len(self.taught.pictures),
                swapped=self._swapped(delivered),
                looks=self._looks(file, draw) if draw is not None else None,
            )
        )
        self.checkpoints.prune(self.settings.keep_checkpoints, {delivered, *([best] if best else [])})
        return Taught(
            file=file,
            tensor_hash=exported.tensor_hash,
            file_hash=exported.file_hash,
            steps=last,
            delivered_step=delivered,
            seconds=self.seconds(),
            verdict=verdict,
            curve=tuple(evaluation.point for evaluation in self.evaluations),
            facts=self._facts(exported),
        )

    def _swapped(self, delivered: int) -> tuple[Swapped, Swapped] | None:
        """Own against swapped captions: of the base (the adapter silent) and of the delivered step."""
        at = next(item for item in self.evaluations if item.step == delivered)
        style = self.probes.swap(self.base, at.train_probe)
        self.trainer.adapters.eject()
        try:
            base = self.probes.swap(self.base, self.evaluations[0].train_probe)
        finally:
            self.trainer.adapters.attach()
        return (base, style) if base is not None and style is not None else None

    def _looks(self, file: Path, draw: Draw) -> Looks:
        prompt = self.taught.pictures[0].caption
        seeds = range(SAMPLES)
        originals = [open_picture(picture.path).pixels for picture in self.taught.pictures]
        return compare_looks(draw(file, 1.0, prompt, seeds), originals, draw(file, 0.0, prompt, seeds))

    def _facts(self, exported: Exported) -> dict[str, Any]:
        return {
            "device": str(self.base.device),
            "dtype": self.dtype,
            "threads": torch.get_num_threads(),
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
            "peak_memory_bytes": peak_memory(self.base.device.type),
            "seconds_per_step": self.pace.step,
            "modules": exported.modules,
            "export_error": exported.error,
            "taught_pictures": len(self.taught.pictures),
            "held_out_pictures": len(self.held_out.pictures),
        }


class _Pace:
    """Seconds a step and an evaluation take, smoothed."""

    def __init__(self) -> None:
        self.step = 0.0
        self.evaluation = 0.0

    def stepped(self, seconds: float) -> None:
        self.step = seconds if not self.step else 0.9 * self.step + 0.1 * seconds


@contextlib.contextmanager
def _listening(should_stop: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """A question that is also true after a first Ctrl-C, which then waits for the step to end; a second
    one interrupts at once.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread() and before is signal.default_int_handler
    if ours:

        def handler(number: int, frame: Any) -> None:
            if asked.is_set():
                signal.default_int_handler(number, frame)
            asked.set()

        signal.signal(signal.SIGINT, handler)
    try:
        yield lambda: asked.is_set() or should_stop()
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
