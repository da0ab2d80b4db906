"""What is checked before hours are spent: role, device, disk, and a few real steps with save and reload."""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from duktus.domain.base import Role
from duktus.domain.errors import InputError, StorageError, TrainingError
from duktus.domain.style import Method
from duktus.families import registry
from duktus.training.cache import build_cache
from duktus.training.checkpoint import CheckpointFolder, RunRecord, as_begun, storage_error
from duktus.training.evaluation import build_probes, rows
from duktus.training.loop import Trainer
from duktus.training.measures import Measures, ladder
from duktus.training.memory import keep_freed_memory, out_of_memory, release
from duktus.training.probe import choose
from duktus.training.training_set import CLASS_PROBE, TrainingSet

if TYPE_CHECKING:
    from duktus.domain.base import Base
    from duktus.domain.style import TeachSettings
    from duktus.families.family import LoadedBase
    from duktus.training.probe import Choice, Trial

WARM_UP, TIMED = 1, 2
SPARE_DISK = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will need and do, measured on the real model. ``words`` are for the person."""

    seconds: float
    """At most: the run may end earlier when the held-out loss has settled."""
    memory_bytes: int
    disk_bytes: int
    device: str
    dtype: str
    measures: Measures
    """What the run does because memory is short, or because it was asked to."""
    words: tuple[str, ...]
    seconds_per_step: float
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class _Smoke:
    step_seconds: float
    row_seconds: float
    """Of one noisy picture of an evaluation."""
    cache_seconds: float
    checkpoint_bytes: int
    style_bytes: int


def preflight(
    base: Base,
    pictures: TrainingSet,
    settings: TeachSettings,
    folder: Path,
    *,
    device: str = "auto",
    held_out: TrainingSet | None = None,
    resume: bool = False,
) -> Plan:
    """Everything that can fail is tried now, in ``folder``'s place, and cleaned up again. With ``resume``,
    the weights of the base are held as the run in ``folder`` began with.

    Raises :class:`InputError` for a base that is not for teaching, :class:`StorageError` for a disk that
    is full or read-only, :class:`TrainingError` when the smoke run fails.
    """
    check_role(base)
    _check_folder(folder)
    keep_freed_memory()
    taught, kept = (pictures, held_out) if held_out is not None else pictures.split(settings.held_out)
    choice, smoke = _tried(base, taught, as_begun(settings, folder) if resume else settings, folder, device)
    asked = rows(len(kept.pictures), settings)
    asked += CLASS_PROBE * settings.probe_timesteps if settings.prior else 0
    asked *= settings.steps // settings.evaluate_every + 2
    seconds = settings.steps * smoke.step_seconds + asked * smoke.row_seconds
    shown = len(taught.pictures) * settings.crops * (1 + settings.flip) + len(kept.pictures)
    shown += settings.prior_count if settings.prior else 0
    seconds += shown * smoke.cache_seconds
    disk = (settings.keep_checkpoints + 3) * smoke.checkpoint_bytes + smoke.style_bytes
    _check_disk(folder, disk)
    memory = peak_memory(choice.device)
    release(choice.loaded)
    needs = (
        f"{settings.steps} steps of {settings.batch} pictures at {settings.resolution} px take about "
        f"{in_words(seconds)} ({smoke.step_seconds:.2f} s a step), {memory / 2**30:.1f} GB of memory and "
        f"{disk / 2**20:.0f} MB of disk."
    )
    words = (
        f"Teaching on {base.name}, on {choice.device} in {choice.dtype}; tried: "
        + "; ".join(trial.words for trial in choice.trials)
        + ".",
        needs,
        choice.fit.words,
        held_out_words(len(taught.pictures), len(kept.pictures), settings),
        *taught_words(settings),
        *kept_words(settings),
        checkpoint_words(settings),
        "A trial run of three steps was saved, loaded again and exported; all of it came back intact.",
    )
    return Plan(
        seconds=seconds,
        memory_bytes=memory,
        disk_bytes=disk,
        device=choice.device,
        dtype=choice.dtype,
        measures=choice.fit.measures,
        words=words,
        seconds_per_step=smoke.step_seconds,
        trials=choice.trials,
    )


def check_role(base: Base) -> None:
    """:class:`InputError` with the way out when nothing can be taught on this base."""
    if base.role in (Role.RENDER_ONLY, Role.INPAINTING):
        way_out = registry.family(base.family).role_words(base.role)
        why = "It is for rendering only." if base.role is Role.RENDER_ONLY else "It is for inpainting."
        raise InputError(f"Nothing can be taught on {base.name}.", why, way_out)


def checkpoint_words(settings: TeachSettings) -> str:
    """The checkpoint policy as one sentence."""
    every, keep = settings.checkpoint_every, settings.keep_checkpoints
    newest = "the newest is" if keep == 1 else f"the newest {keep} are"
    return (
        f"A checkpoint is written every {every} steps, at the end and whenever a step may be the best one; "
        f"{newest} kept, and the best."
    )


def held_out_words(taught: int, held_out: int, settings: TeachSettings) -> str:
    """Which pictures are kept back and what for, as words."""
    if not held_out:
        return f"All {taught} pictures are taught on; none is held out, so nothing can warn of memorising."
    ending = f"step {settings.steps}"
    if settings.patience is not None:
        ending += f", or earlier after {settings.patience} evaluations without a new lowest loss on these"
    delivered = "the best step on these" if settings.keep == "best" else "the last step"
    return (
        f"{taught} pictures are taught on and {held_out} held out; every {settings.evaluate_every} steps the "
        f"loss on these tells what carries over. The run ends at {ending}, and delivers {delivered}."
    )


def taught_words(settings: TeachSettings) -> tuple[str, ...]:
    """What is taught, as words, where it is no adapter."""
    if settings.method is not Method.TEXTUAL_INVERSION:
        return ()
    count = "one vector" if settings.vectors == 1 else f"{settings.vectors} vectors"
    words = (
        f"The word '{settings.trigger}' is taught: {count} of its own in each text encoder, begun as "
        f"'{settings.init_word}'. The base stays as it is, and its losses are those with that word."
    )
    return (words,)


def kept_words(settings: TeachSettings) -> tuple[str, ...]:
    """What the base is to keep besides, as words."""
    words: list[str] = []
    if settings.prior is not None:
        words.append(
            f"Each step also shows {settings.batch} class pictures under '{settings.prior}', weight "
            f"{settings.prior_weight:g}, so that the base goes on drawing that class as before."
        )
    if settings.self_prior is not None:
        neutral = "their captions without the trigger word"
        if settings.neutral is not None:
            neutral = f"'{settings.neutral}'" if settings.neutral else "no caption"
        words.append(
            f"Each step also holds the base to its own answers under {neutral}, weight "
            f"{settings.self_prior:g}."
        )
    return tuple(words)


def in_words(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def peak_memory(device: str) -> int:
    """Most bytes this process has held so far, on the GPU where that is counted."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"duktus")
    except OSError as error:
        raise storage_error(folder / "trial", error) from error


def _check_disk(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_DISK:
        raise StorageError(
            f"There is too little room in {folder}.",
            f"The run needs {needed / 2**20:.0f} MB and {SPARE_DISK / 2**20:.0f} MB to spare; "
            f"{free / 2**20:.0f} MB are free.",
            "Free some space, or keep fewer checkpoints.",
        )


def _tried(
    base: Base, taught: TrainingSet, settings: TeachSettings, folder: Path, device: str
) -> tuple[Choice, _Smoke]:
    """The first rung on which real steps of the whole batch go through."""
    rungs: tuple[Measures, ...] | None = None
    while True:
        choice = choose(base, settings, device, rungs)
        try:
            return choice, _smoke_run(choice.loaded, taught, settings, folder)
        except RuntimeError as error:
            release(choice.loaded)
            rungs = tuple(rung for rung in ladder(settings, choice.device) if rung > choice.fit.measures)
            if not out_of_memory(error):
                raise
            if not rungs:
                raise TrainingError(
                    f"A step of {settings.batch} pictures at {settings.resolution} px does not fit into the "
                    f"memory of {choice.device}.",
                    choice.fit.words,
                    "Teach with a lower --batch or --resolution.",
                ) from error
        del choice


def _smoke_run(loaded: LoadedBase, taught: TrainingSet, settings: TeachSettings, folder: Path) -> _Smoke:
    """Three steps of the real thing on two pictures; saved, reloaded, exported, compared."""
    few = TrainingSet(taught.pictures[:2], taught.trigger)
    quick = settings.model_copy(update={"crops": 1, "flip": False})
    small = quick.model_copy(update={"probe_timesteps": 2, "probe_draws": 1})
    started = time.perf_counter()
    cache = build_cache(loaded, few, None, quick, _class_stand_in(few, quick))
    cache_seconds = (time.perf_counter() - started) / (len(few.pictures) * (2 if quick.prior else 1))
    trainer = Trainer(loaded, cache, quick)
    try:
        for _ in range(WARM_UP):
            trainer.advance()
        started = time.perf_counter()
        for _ in range(TIMED):
            trainer.advance()
        step_seconds = (time.perf_counter() - started) / TIMED
        trainer.check_alive()
        started = time.perf_counter()
        build_probes(loaded, cache, small).evaluate(loaded, trainer.step, None)
        row_seconds = (time.perf_counter() - started) / rows(0, small)
        checkpoint_bytes, style_bytes = _save_and_reload(trainer, folder)
    finally:
        trainer.learning.remove()
    return _Smoke(step_seconds, row_seconds, cache_seconds, checkpoint_bytes, style_bytes)


def _class_stand_in(pictures: TrainingSet, settings: TeachSettings) -> TrainingSet | None:
    """Pictures that cost what class pictures will cost, which are drawn only once all this went well."""
    if settings.prior is None:
        return None
    shown = tuple(replace(picture, caption=settings.prior) for picture in pictures.pictures)
    return TrainingSet(shown, trigger="")


def _save_and_reload(trainer: Trainer, folder: Path) -> tuple[int, int]:
    base, settings = trainer.base.base, trainer.settings
    record = RunRecord(
        step=trainer.step,
        settings=settings,
        base=base.ref,
        device=str(trainer.base.device),
        arithmetic=str(trainer.base.dtype),
        threads=torch.get_num_threads(),
        fingerprint="",
    )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".trial-") as name:
        checkpoints = CheckpointFolder(Path(name))
        path = checkpoints.save(record, trainer.tensors())
        loaded = checkpoints.load(record.step)
        same = all(torch.equal(loaded.tensors[key], value.cpu()) for key, value in trainer.tensors().items())
        if not same or loaded.record != record:
            raise TrainingError(
                "A checkpoint came back other than it was written.",
                "The disk may be faulty.",
                "Check the disk.",
            )
        style = Path(name) / "style.safetensors"
        trainer.learning.export(style, trainer.step)
        return path.stat().st_size, style.stat().st_size
