"""The course of one run: when it looks, saves, samples and ends, and what it delivers."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.canonical import sha256_hex
from duktus.domain.style import Method
from duktus.training.checkpoint import CheckpointFolder, RunRecord, check_resumable
from duktus.training.evaluation import Evaluation, Probes, Swapped, mean
from duktus.training.events import Evaluated, OnEvent, Said, Sampled, Saved, Stepped
from duktus.training.export import Exported
from duktus.training.looks import Looks, compare_looks, diversity
from duktus.training.loop import Trainer
from duktus.training.measures import Measures
from duktus.training.pictures import open_picture
from duktus.training.preflight import peak_memory
from duktus.training.taught import Draw, Sample, Taught
from duktus.training.training_set import TrainingSet
from duktus.training.verdict import Seen, are_alike, best_step, candidates, has_settled, judge

if TYPE_CHECKING:
    from duktus.domain.style import TeachSettings

ALIVE_AFTER = 5
"""Steps after which an adapter that is still zero is an error."""
SAMPLES = 8
"""Seeds of one prompt that the look check draws."""


@dataclass(slots=True, kw_only=True)
class Run:
    """A trainer with its probes and checkpoints, on its way from one step to the next."""

    trainer: Trainer
    probes: Probes
    checkpoints: CheckpointFolder
    taught: TrainingSet
    held_out: TrainingSet
    prior: TrainingSet | None = None
    """Class pictures."""
    arithmetic: str
    """The dtype the base computes in."""
    measures: Measures
    """What it does because memory is short."""
    say: OnEvent
    evaluations: list[Evaluation] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_count: int = 0
    seconds_before: float = 0.0
    """Of the parts of this run before it was resumed."""
    started: float = field(default_factory=time.perf_counter)
    step_seconds: float = 0.0
    """Smoothed."""
    evaluation_seconds: float = 0.0

    @property
    def settings(self) -> TeachSettings:
        """What was asked for."""
        return self.trainer.settings

    def record(self) -> RunRecord:
        """Everything about the run that is not a tensor."""
        return RunRecord(
            step=self.trainer.step,
            settings=self.settings,
            base=self.trainer.base.base.ref,
            device=str(self.trainer.base.device),
            arithmetic=self.arithmetic,
            gradient_checkpointing=self.measures.recompute,
            int8_base=self.measures.int8,
            group_offload=self.measures.offload,
            threads=torch.get_num_threads(),
            fingerprint=self._fingerprint(),
            evaluations=tuple(self.evaluations),
            loss_sum=self.loss_sum,
            loss_count=self.loss_count,
            seconds=self.seconds(),
            versions=_versions(),
        )

    def _fingerprint(self) -> str:
        sets = [self.taught, self.held_out, *([self.prior] if self.prior else [])]
        return sha256_hex("/".join(one.fingerprint for one in sets).encode())

    def seconds(self) -> float:
        """Wall time of the run, its earlier parts included."""
        return self.seconds_before + time.perf_counter() - self.started

    def resume(self) -> None:
        """Go back to the newest readable checkpoint; :class:`MismatchError` when it is another run's."""
        self.checkpoints.sweep()
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
        self.seconds_before = found.record.seconds
        self.say(Said(f"The run goes on after step {found.record.step}."))

    def save(self) -> Path:
        """Write a checkpoint and delete those that the policy lets go."""
        path = self.checkpoints.save(self.record(), self.trainer.tensors())
        self.checkpoints.prune(self.settings.keep_checkpoints, candidates(self.evaluations))
        self.say(Saved(path, self.trainer.step))
        return path

    def has_ended(self) -> bool:
        """Whether every step is taken, or the held-out loss has settled."""
        done = self.trainer.step >= self.settings.steps
        return done or has_settled(self.evaluations, self.settings.patience)

    def go_on(self, stopped: Callable[[], bool], sample: Sample | None) -> bool:
        """Train until the end (True) or until asked to stop (False)."""
        settings, trainer = self.settings, self.trainer
        if not self.evaluations:
            self._evaluate()
        while not self.has_ended():
            if stopped():
                return False
            self._step()
            if trainer.step == ALIVE_AFTER:
                trainer.check_alive()
            if trainer.step % settings.evaluate_every == 0 or trainer.step == settings.steps:
                self._evaluate()
            if self.has_ended() or trainer.step % settings.checkpoint_every == 0 or self._may_be_best():
                self.save()
            if sample is not None and settings.sample_every and trainer.step % settings.sample_every == 0:
                self._sample(sample)
        if trainer.step < settings.steps:
            words = (
                f"The run ended at step {trainer.step} of {settings.steps}: {settings.patience} evaluations "
                f"brought no lower held-out loss than step {best_step(self.evaluations)}."
            )
            self.say(Said(words))
        return True

    def finish(self, file: Path, draw: Draw | None) -> Taught:
        """Deliver a step: write its file, prove it, judge it. Before pictures are drawn for that, the
        trainer's own base is given up.
        """
        device = self.trainer.base.device.type
        best = best_step(self.evaluations)
        last = self.trainer.step
        delivered = best if best is not None and self.settings.keep == "best" else last
        if delivered != last:
            self.trainer.load_adapter(self.checkpoints.load(delivered).tensors)
        self.trainer.check_alive()
        exported = self.trainer.learning.export(file, delivered)
        seen = Seen(
            evaluations=self.evaluations,
            delivered=delivered,
            keep=self.settings.keep,
            held_out_pictures=len(self.held_out.pictures),
            taught_pictures=len(self.taught.pictures),
            swapped=self._swapped(delivered),
            prior=self.settings.prior,
            drift=self._drift(),
            smaller="fewer vectors" if self.settings.method is Method.TEXTUAL_INVERSION else "a lower rank",
        )
        facts = self._facts(exported)
        if draw is not None:
            self.trainer.release()
            seen = replace(seen, looks=self._looks(file, draw))
        self.checkpoints.prune(self.settings.keep_checkpoints, {delivered, best or delivered})
        return Taught(
            file=file,
            tensor_hash=exported.tensor_hash,
            file_hash=exported.file_hash,
            steps=last,
            delivered_step=delivered,
            seconds=self.seconds(),
            verdict=judge(seen),
            curve=tuple(evaluation.point for evaluation in self.evaluations),
            facts=facts | {"peak_memory_bytes": peak_memory(device)},
        )

    def _step(self) -> None:
        started = time.perf_counter()
        loss = self.trainer.advance()
        self.loss_sum += loss
        self.loss_count += 1
        took = time.perf_counter() - started
        self.step_seconds = 0.9 * self.step_seconds + 0.1 * took if self.step_seconds else took
        step, steps = self.trainer.step, self.settings.steps
        looks = (steps - step) // self.settings.evaluate_every + 1
        left = (steps - step) * self.step_seconds + looks * self.evaluation_seconds
        self.say(Stepped(step, steps, loss, self.step_seconds, left))

    def _evaluate(self) -> None:
        started = time.perf_counter()
        train_loss = self.loss_sum / self.loss_count if self.loss_count else None
        evaluation = self.probes.evaluate(self.trainer.base, self.trainer.step, train_loss)
        self.loss_sum, self.loss_count = 0.0, 0
        self.evaluations.append(evaluation)
        self.evaluation_seconds = time.perf_counter() - started
        first = self.evaluations[0].held_out
        relative = mean(evaluation.held_out) / mean(first) if first else None
        self.say(Evaluated(evaluation.point, relative))

    def _may_be_best(self) -> bool:
        step = self.trainer.step
        return self.evaluations[-1].step == step and step in candidates(self.evaluations)

    def _sample(self, sample: Sample) -> None:
        trainer = self.trainer
        with tempfile.TemporaryDirectory(dir=self.checkpoints.folder.parent, prefix=".sample-") as name:
            path = Path(name) / "style.safetensors"
            trainer.learning.write(path, trainer.step)
            drawn = sample(trainer.step, path)
        if drawn is not None:
            self.say(Sampled(trainer.step, drawn))

    def _swapped(self, delivered: int) -> tuple[Swapped, Swapped] | None:
        """Own against swapped captions: of the base alone and of the delivered step."""
        base = self.trainer.base
        at = next(item for item in self.evaluations if item.step == delivered)
        style = self.probes.swap(base, at.train_probe)
        with self.trainer.learning.silenced():
            alone = self.probes.swap(base, self.evaluations[0].train_probe)
        return (alone, style) if alone is not None and style is not None else None

    def _drift(self) -> float | None:
        """How far the answers to neutral captions have moved, as a share of the base's own error there."""
        base, probe = self.trainer.base, self.probes.neutral
        if probe is None:
            return None
        moved = probe.answers(base)
        with self.trainer.learning.silenced():
            still = probe.answers(base)
        return ((moved - still).square().mean() / (still - probe.target).square().mean()).item()

    def _looks(self, file: Path, draw: Draw) -> Looks:
        prompt = self.taught.pictures[0].caption
        seeds = range(SAMPLES)
        originals = [open_picture(picture.path).pixels for picture in self.taught.pictures]
        looks = compare_looks(draw(file, 1.0, prompt, seeds), originals)
        if not are_alike(looks):
            return looks
        return replace(looks, base_diversity=diversity(draw(file, 0.0, prompt, seeds)))

    def _facts(self, exported: Exported) -> dict[str, Any]:
        device = self.trainer.base.device
        return {
            "device": str(device),
            "dtype": self.arithmetic,
            "gradient_checkpointing": self.measures.recompute,
            "int8_base": self.measures.int8,
            "group_offload": self.measures.offload,
            "threads": torch.get_num_threads(),
            "versions": _versions(),
            "seconds_per_step": self.step_seconds,
            "modules": exported.modules,
            "export_error": exported.error,
            "taught_pictures": len(self.taught.pictures),
            "held_out_pictures": len(self.held_out.pictures),
            **({"class_pictures": len(self.prior.pictures)} if self.prior else {}),
        }


def _versions() -> dict[str, str]:
    return {"torch": torch.__version__, "python": platform.python_version()}
