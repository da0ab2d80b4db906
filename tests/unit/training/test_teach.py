"""Real training runs on a small base: started, stopped, resumed, spoiled."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.support.portfolio import TRIGGER, pixels, write_pictures

from duktus.domain.base import Base, Role
from duktus.domain.errors import ConflictError, InputError, MismatchError, StorageError, TrainingError
from duktus.domain.style import Outcome, TeachSettings
from duktus.families import registry
from duktus.families.sd15.loaded import LoadedSd15
from duktus.training import (
    Evaluated,
    Event,
    Paused,
    Said,
    Sampled,
    Saved,
    Stepped,
    Taught,
    TrainingSet,
    read_training_set,
)
from duktus.training.loop import Trainer
from duktus.training.teach import teach

Make = Callable[..., TeachSettings]


def finished(result: Taught | Paused) -> Taught:
    assert isinstance(result, Taught)
    return result


def never(_: Event) -> None:
    return None


class Stop:
    """Asks to stop before a given step."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.step


def test_a_run_tells_delivers_and_is_judged(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    events: list[Event] = []
    taught = finished(teach(tiny_base, pictures, settings(), tmp_path, on_event=events.append))
    assert taught.file == tmp_path / "style.safetensors"
    assert [event.step for event in events if isinstance(event, Stepped)] == list(range(1, 9))
    assert [event.point.step for event in events if isinstance(event, Evaluated)] == [0, 4, 8]
    assert next(event.relative for event in events if isinstance(event, Evaluated)) == 1
    assert {3, 6, 8} <= {event.step for event in events if isinstance(event, Saved)}
    assert [point.step for point in taught.curve] == [0, 4, 8]
    assert taught.curve[2].train_loss is not None
    assert taught.facts["export_error"] < 1e-3
    assert taught.facts["peak_memory_bytes"] > 2**20
    assert taught.verdict.measures["held_out"] < 1
    back = registry.family("sd15").read_style(taught.file, registry.family("sd15").load(tiny_base))
    assert len(back) == taught.facts["modules"]


def test_the_same_call_gives_the_same_bytes(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    one, other = (finished(teach(tiny_base, pictures, settings(), tmp_path / name)) for name in "ab")
    assert one.file.read_bytes() == other.file.read_bytes()
    assert one.curve == other.curve
    another = finished(teach(tiny_base, pictures, settings(seed=1), tmp_path / "c"))
    assert another.tensor_hash != one.tensor_hash


@pytest.mark.parametrize(("step", "dtype"), [(1, "float32"), (5, "float32"), (5, "bfloat16")])
def test_a_stopped_run_goes_on_bit_for_bit(
    *, tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, step: int, dtype: str
) -> None:
    rich = settings(crops=2, flip=True, caption_dropout=0.5)
    whole = finished(teach(tiny_base, pictures, rich, tmp_path / "whole", dtype=dtype))
    stopped = teach(tiny_base, pictures, rich, tmp_path / "parts", dtype=dtype, should_stop=Stop(step))
    assert isinstance(stopped, Paused)
    assert stopped.step == step
    assert stopped.checkpoint.is_file()
    resumed = finished(teach(tiny_base, pictures, rich, tmp_path / "parts", dtype=dtype, resume=True))
    assert resumed.file.read_bytes() == whole.file.read_bytes()
    assert resumed.curve == whole.curve
    last = "checkpoints/step-000008.safetensors"
    a, b = load_file(tmp_path / "whole" / last), load_file(tmp_path / "parts" / last)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_ctrl_c_finishes_the_step_and_saves(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    def press(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    paused = teach(tiny_base, pictures, settings(), tmp_path, on_event=press)
    assert isinstance(paused, Paused)
    assert paused.step == 2
    assert paused.checkpoint.is_file()
    assert signal.getsignal(signal.SIGINT) is before


def test_resuming_a_finished_run_changes_nothing_and_more_steps_go_on(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    first = finished(teach(tiny_base, pictures, settings(), tmp_path))
    again = finished(teach(tiny_base, pictures, settings(), tmp_path, resume=True))
    assert again.tensor_hash == first.tensor_hash
    longer = finished(teach(tiny_base, pictures, settings(steps=12), tmp_path, resume=True))
    assert longer.steps == 12
    assert longer.curve[:3] == first.curve


def test_an_earlier_run_is_neither_overwritten_nor_mixed(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    teach(tiny_base, pictures, settings(), tmp_path, should_stop=Stop(2))
    with pytest.raises(ConflictError, match="--resume"):
        teach(tiny_base, pictures, settings(), tmp_path)
    with pytest.raises(MismatchError, match="learning_rate"):
        teach(tiny_base, pictures, settings(learning_rate=0.1), tmp_path, resume=True)
    fewer = TrainingSet(pictures.pictures[:8], TRIGGER)
    with pytest.raises(MismatchError, match="pictures"):
        teach(tiny_base, fewer, settings(), tmp_path, resume=True)


def test_resume_without_a_checkpoint_begins_and_says_so(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    events: list[Event] = []
    teach(tiny_base, pictures, settings(steps=6), tmp_path, resume=True, on_event=events.append)
    assert any("begins at step 0" in event.text for event in events if isinstance(event, Said))


def test_a_picture_that_changed_after_the_check_is_refused(
    tiny_base: Base, settings: Make, tmp_path: Path
) -> None:
    folder = write_pictures(tmp_path / "pictures", 5)
    found = read_training_set(folder, trigger=TRIGGER, resolution=64)
    shutil.copy(folder / "p0.png", folder / "p1.png")
    with pytest.raises(MismatchError, match=r"p1\.png changed"):
        teach(tiny_base, found, settings(), tmp_path / "run")


def test_a_render_only_base_is_refused_with_the_way_out(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    base = tiny_base.model_copy(update={"role": Role.RENDER_ONLY})
    with pytest.raises(InputError, match="Teach on the base it was distilled from"):
        teach(base, pictures, settings(), tmp_path)


def test_overflowing_numbers_stop_with_the_cause_and_keep_the_last_checkpoint(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = LoadedSd15.loss_weight
    steps: list[int] = []

    def loss_weight(self: LoadedSd15, timesteps: torch.Tensor, gamma: float | None) -> torch.Tensor:
        steps.append(1)
        return honest(self, timesteps, gamma) * (float("nan") if len(steps) == 5 else 1)

    monkeypatch.setattr(LoadedSd15, "loss_weight", loss_weight)
    with pytest.raises(TrainingError, match="stopped at step 5") as caught:
        teach(tiny_base, pictures, settings(), tmp_path)
    assert "float32 on cpu at learning rate 0.001" in caught.value.why
    monkeypatch.undo()
    resumed = finished(teach(tiny_base, pictures, settings(), tmp_path, resume=True))
    assert resumed.tensor_hash == finished(teach(tiny_base, pictures, settings(), tmp_path / "b")).tensor_hash


def test_an_adapter_that_stays_zero_is_an_error(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoadedSd15, "loss_weight", lambda *_: torch.tensor(0.0))
    with pytest.raises(TrainingError, match="After 5 steps the adapter is still all zero"):
        teach(tiny_base, pictures, settings(), tmp_path)


def test_a_full_disk_is_said_and_leaves_the_earlier_checkpoint(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = os.fsync
    calls: list[int] = []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 2:  # the first checkpoint's file and folder
            raise OSError(28, "No space left on device")
        honest(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError, match="disk is full"):
        teach(tiny_base, pictures, settings(), tmp_path)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000003.safetensors"]


def test_samples_are_drawn_with_a_style_file_of_the_moment(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    events: list[Event] = []

    def sample(step: int, style: Path) -> Path | None:
        seen.append((step, len(load_file(style))))
        return tmp_path / f"sample-{step}.png" if step > 4 else None

    quick = settings(sample_every=4)
    teach(tiny_base, pictures, quick, tmp_path / "run", sample=sample, on_event=events.append)
    assert [step for step, _ in seen] == [4, 8]
    assert [event.step for event in events if isinstance(event, Sampled)] == [8]
    assert not list((tmp_path / "run").glob(".sample-*"))


def test_the_verdict_looks_at_drawn_pictures(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, str, list[int]]] = []
    released: list[Trainer] = []
    honest = Trainer.release

    def release(self: Trainer) -> None:
        honest(self)
        released.append(self)

    monkeypatch.setattr(Trainer, "release", release)

    def draw(style: Path, strength: float, prompt: str, seeds: Sequence[int]) -> list[np.ndarray]:
        assert style.is_file()
        weights = [*released[0].base.denoiser.parameters(), *released[0].learning.adapters.parameters()]
        assert all(weight.is_meta for weight in weights), "two copies of the base in memory"
        asked.append((strength, prompt, list(seeds)))
        return [pixels(100 + seed if strength == 0 else 0) for seed in seeds]

    taught = finished(teach(tiny_base, pictures, settings(), tmp_path, draw=draw))
    assert taught.verdict.outcome is Outcome.MEMORISED
    assert [strength for strength, _, _ in asked] == [1.0, 0.0]
    assert taught.verdict.measures["diversity_share"] == 0


def test_the_base_is_drawn_only_where_the_samples_are_too_much_alike(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    asked: list[float] = []

    def draw(style: Path, strength: float, prompt: str, seeds: Sequence[int]) -> list[np.ndarray]:
        asked.append(strength)
        return [pixels(100 + seed) for seed in seeds]

    taught = finished(teach(tiny_base, pictures, settings(), tmp_path, draw=draw))
    assert asked == [1.0]
    assert taught.verdict.measures["diversity_share"] > 0.6


def test_pictures_to_hold_out_may_be_given(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    fresh = TrainingSet(pictures.pictures[:5], TRIGGER)
    mine = TrainingSet(pictures.pictures[5:], TRIGGER)
    taught = finished(teach(tiny_base, mine, settings(), tmp_path, held_out=fresh))
    assert taught.facts["taught_pictures"] == 4
    assert taught.facts["held_out_pictures"] == 5


def test_without_held_out_pictures_the_last_step_is_delivered_and_the_gap_is_unknown(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    taught = finished(teach(tiny_base, pictures, settings(held_out=0), tmp_path))
    assert taught.delivered_step == 8
    assert taught.curve[1].held_out_loss is None
    assert "No picture was held out" in " ".join(taught.verdict.reasons)
