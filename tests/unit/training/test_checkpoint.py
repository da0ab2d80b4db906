"""A checkpoint is there whole or not at all, and knows whether a run may go on from it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from duktus.domain.errors import ConflictError, MismatchError, StorageError
from duktus.domain.recipe import BaseRef
from duktus.domain.style import TeachSettings
from duktus.training.checkpoint import CheckpointFolder, RunRecord, check_resumable, write_atomically
from duktus.training.evaluation import Evaluation

Make = Callable[..., TeachSettings]


def record(settings: TeachSettings, step: int = 3, **changes: object) -> RunRecord:
    return RunRecord.model_validate(
        {
            "step": step,
            "settings": settings,
            "base": BaseRef(name="tiny", weights="0" * 64),
            "device": "cpu",
            "arithmetic": "float32",
            "threads": 1,
            "fingerprint": "f",
            "evaluations": (Evaluation(step=0, held_out=(0.1, 1 / 3), train_probe=(0.7, 0.2)),),
            "loss_sum": 0.1 + 0.2,
            "versions": {"torch": "2"},
        }
        | changes
    )


TENSORS = {"adapter/a.down": torch.arange(6.0).view(2, 3), "optimizer/a.down/step": torch.tensor(3.0)}


def test_comes_back_bit_for_bit(tmp_path: Path, settings: Make) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    path = folder.save(record(settings()), TENSORS)
    assert path.name == "step-000003.safetensors"
    loaded = folder.load(3)
    assert loaded.record == record(settings())
    assert all(torch.equal(loaded.tensors[name], value) for name, value in TENSORS.items())
    before = path.read_bytes()
    folder.save(record(settings()), TENSORS)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "flipped bit", "other file", "empty"])
def test_a_damaged_newest_is_passed_over_with_words(tmp_path: Path, settings: Make, damage: str) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in (3, 6):
        folder.save(record(settings(), step), TENSORS)
    data = bytearray(folder.path(6).read_bytes())
    data[-1] ^= 1
    content = {"cut": data[:-5], "flipped bit": data, "other file": b"hello" * 99, "empty": b""}[damage]
    folder.path(6).write_bytes(bytes(content))
    found, words = folder.newest()
    assert found is not None
    assert found.record.step == 3
    assert "step-000006.safetensors is damaged" in words[0]


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert CheckpointFolder(tmp_path / "none").newest() == (None, ())


def test_keeps_the_newest_and_the_named(tmp_path: Path, settings: Make) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in range(1, 8):
        folder.save(record(settings(), step), TENSORS)
    folder.prune(3, {2})
    assert folder.steps() == [2, 5, 6, 7]


def test_an_earlier_run_is_not_overwritten(tmp_path: Path, settings: Make) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.refuse_if_used()
    folder.save(record(settings()), TENSORS)
    with pytest.raises(ConflictError, match="--resume"):
        folder.refuse_if_used()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    (tmp_path / "a").write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError):
        write_atomically(tmp_path / "a", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_the_same_run_may_go_on(settings: Make) -> None:
    assert check_resumable(record(settings()), record(settings())) == ()


def test_a_run_may_go_on_for_longer(settings: Make) -> None:
    longer = settings(steps=500, keep="last", patience=None, checkpoint_every=7)
    assert check_resumable(record(settings()), record(longer)) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"learning_rate": 0.5}}, "learning_rate was 0.001, now 0.5"),
        ({"settings": {"seed": 1}}, "seed was 0, now 1"),
        ({"settings": {"optimiser": "prodigy"}}, "optimiser was adamw, now prodigy"),
        ({"base": {"name": "other", "weights": "1" * 64}}, "the base was tiny"),
        ({"fingerprint": "g"}, "the pictures"),
        ({"arithmetic": "bfloat16"}, "computed in float32, now in bfloat16"),
    ],
)
def test_another_run_may_not(settings: Make, changes: dict[str, object], words: str) -> None:
    changed = changes.pop("settings", {})
    assert isinstance(changed, dict)
    now = record(settings(**changed))
    with pytest.raises(MismatchError, match=words):
        check_resumable(record(settings()), RunRecord.model_validate({**now.model_dump(), **changes}))


def test_says_when_bits_may_differ(settings: Make) -> None:
    words = check_resumable(record(settings()), record(settings(), threads=2, versions={"torch": "3"}))
    assert "threads changed from 1 to 2" in words[0]
    assert "torch is another version" in words[0]
