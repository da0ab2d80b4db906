"""Teaching a style, start to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from duktus.families import registry
from duktus.training.cache import build_cache
from duktus.training.checkpoint import CHECKPOINTS, CheckpointFolder, as_begun
from duktus.training.evaluation import build_probes
from duktus.training.events import OnEvent
from duktus.training.loop import Trainer
from duktus.training.measures import Measures, asked
from duktus.training.memory import keep_freed_memory
from duktus.training.preflight import check_role
from duktus.training.recomputing import recompute
from duktus.training.run import Run
from duktus.training.taught import Draw, Paused, Sample, Taught
from duktus.training.training_set import check_class

if TYPE_CHECKING:
    from pathlib import Path

    from duktus.domain.base import Base
    from duktus.domain.style import TeachSettings
    from duktus.training.training_set import TrainingSet

STYLE_FILE = "style.safetensors"


def teach(
    base: Base,
    pictures: TrainingSet,
    settings: TeachSettings,
    folder: Path,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    measures: Measures | None = None,
    held_out: TrainingSet | None = None,
    prior: TrainingSet | None = None,
    resume: bool = False,
    on_event: OnEvent = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
    sample: Sample | None = None,
    draw: Draw | None = None,
) -> Taught | Paused:
    """Teach ``pictures`` to ``base`` in the run folder ``folder``.

    The rules of the run are stated by :func:`duktus.training.preflight`, which belongs before it. Without
    ``held_out`` a fifth of the pictures is held out by rule. ``prior`` are the class pictures, where the
    settings name a class to keep. ``measures`` is what the pre-flight chose; without it, what the settings
    ask for, and nothing where they leave it open. Ctrl-C, or ``should_stop``, saves a checkpoint and returns
    :class:`Paused`; the same call with ``resume`` goes on, bit for bit on a CPU.
    ``sample`` is called every ``sample_every`` steps; ``draw`` lets the verdict look at rendered pictures.

    Raises:
        InputError: the base is not for teaching, too few pictures are left, or a class without pictures.
        ConflictError: the folder holds an earlier run and ``resume`` is not set.
        MismatchError: ``resume`` with other pictures, base or settings, or a picture changed on disk.
        StorageError: disk full or read-only; the checkpoints before are intact.
        TrainingError: numbers overflowed, or the adapter learns nothing.
    """
    check_role(base)
    check_class(settings, prior)
    keep_freed_memory()
    checkpoints = CheckpointFolder(folder / CHECKPOINTS)
    if not resume:
        checkpoints.refuse_if_used()
    taught, kept = (pictures, held_out) if held_out is not None else pictures.split(settings.held_out)
    measures = measures or asked(as_begun(settings, folder) if resume else settings, device)
    family = registry.family(base.family)
    loaded = family.load(base, device=device, dtype=dtype, holding=measures.holding)
    recompute(loaded, on=measures.recompute)
    cache = build_cache(loaded, taught, kept, settings, prior)
    trainer = Trainer(loaded, cache, settings)
    run = Run(
        trainer=trainer,
        probes=build_probes(loaded, cache, settings),
        checkpoints=checkpoints,
        taught=taught,
        held_out=kept,
        prior=prior,
        arithmetic=dtype,
        measures=measures,
        say=on_event,
    )
    if resume:
        run.resume()
    with _listening(should_stop) as stopped:
        if not run.go_on(stopped, sample):
            return Paused(trainer.step, settings.steps, run.save())
    return run.finish(folder / STYLE_FILE, draw)


@contextlib.contextmanager
def _listening(should_stop: Callable[[], bool]) -> Generator[Callable[[], bool]]:
    """A question that is also true after a first Ctrl-C, which so waits for the step to end.

    A second Ctrl-C interrupts at once. Another handler than Python's own is left in place.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread() and before is signal.default_int_handler

    def handler(number: int, frame: Any) -> None:
        if asked.is_set():
            signal.default_int_handler(number, frame)
        asked.set()

    if ours:
        signal.signal(signal.SIGINT, handler)
    try:
        yield lambda: asked.is_set() or should_stop()
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
