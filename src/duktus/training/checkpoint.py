"""Checkpoints: one self-contained file each, complete on disk or not there at all.

A file holds the adapter, the optimizer's state and, as JSON, the step, the settings, the fingerprint of the
pictures, the base and every evaluation so far. Random numbers and the data order follow from (seed, step),
so they are in it as well. A digest over all tensors tells a damaged file from a good one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from duktus.domain.errors import ConflictError, MismatchError, StorageError
from duktus.domain.recipe import BaseRef
from duktus.domain.style import TeachSettings
from duktus.training.evaluation import Evaluation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from torch import Tensor

MAY_CHANGE = frozenset(
    {
        "steps",
        "checkpoint_every",
        "keep_checkpoints",
        "sample_every",
        "keep",
        "patience",
        "dtype",
        "gradient_checkpointing",
        "int8_base",
        "group_offload",
    }
)
"""Settings that a resumed run may change: none of them changes a step that is already taken."""
CHECKPOINTS = "checkpoints"
"""The folder of the checkpoints in that of a run."""
_PART = ".part"
"""How a file ends that is still being written."""
_NAME = re.compile(r"^step-(\d{6,})\.safetensors$")


class RunRecord(BaseModel):
    """What a checkpoint says about its run, beside the tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    step: int
    settings: TeachSettings
    base: BaseRef
    device: str
    arithmetic: str
    """The dtype the base computed in."""
    gradient_checkpointing: bool = False
    int8_base: bool = False
    """Whether the base's large weights were in eight bits."""
    group_offload: bool = False
    threads: int
    fingerprint: str
    """Of the pictures taught on and of those held out."""
    evaluations: tuple[Evaluation, ...] = ()
    loss_sum: float = 0
    """Of the steps since the last evaluation, with their number below."""
    loss_count: int = 0
    seconds: float = 0
    versions: dict[str, str] = {}


class _Header(BaseModel):
    """The one metadata entry: safetensors orders several at random, so equal files would differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: RunRecord
    digest: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint."""

    path: Path
    record: RunRecord
    tensors: dict[str, Tensor]


class CheckpointFolder:
    """The checkpoints of one run, ``step-000100.safetensors`` and so on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, step: int) -> Path:
        """Where the checkpoint of that step lies."""
        return self.folder / f"step-{step:06d}.safetensors"

    def steps(self) -> list[int]:
        """The steps that have a file, rising."""
        if not self.folder.is_dir():
            return []
        found = (_NAME.match(path.name) for path in self.folder.iterdir())
        return sorted(int(match.group(1)) for match in found if match)

    def save(self, record: RunRecord, tensors: Mapping[str, Tensor]) -> Path:
        """Write one checkpoint; :class:`StorageError` when the disk is full or read-only."""
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
        header = _Header(record=record, digest=digest(plain)).model_dump_json()
        path = self.path(record.step)
        write_atomically(path, safetensors.torch.save(plain, {"duktus": header}))
        return path

    def load(self, step: int) -> Checkpoint:
        """That checkpoint; :class:`StorageError` when it is damaged."""
        path = self.path(step)
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                metadata: dict[str, str] = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 no mapping
            header = _Header.model_validate_json(metadata.get("duktus", ""))
        except (safetensors.SafetensorError, ValidationError, OSError) as error:
            raise _damaged(path) from error
        if digest(tensors) != header.digest:
            raise _damaged(path)
        return Checkpoint(path, header.record, tensors)

    def newest(self) -> tuple[Checkpoint | None, tuple[str, ...]]:
        """The newest readable checkpoint, and words about damaged ones that were passed over."""
        passed: list[str] = []
        for step in reversed(self.steps()):
            try:
                return self.load(step), tuple(passed)
            except StorageError as error:
                passed.append(str(error))
        return None, tuple(passed)

    def prune(self, newest: int, also: Collection[int] = ()) -> None:
        """Delete all but the ``newest`` last ones and those of the steps in ``also``."""
        for step in self.steps()[:-newest]:
            if step not in also:
                self.path(step).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what a killed run left half-written."""
        for path in self.folder.glob(f".*{_PART}"):
            path.unlink(missing_ok=True)

    def refuse_if_used(self) -> None:
        """:class:`ConflictError` when an earlier run left checkpoints here."""
        if self.steps():
            raise ConflictError(
                f"{self.folder} holds checkpoints of an earlier run, up to step {self.steps()[-1]}.",
                "Starting anew would mix two runs.",
                "Go on with --resume, or choose another name.",
            )


def as_begun(settings: TeachSettings, run: Path) -> TeachSettings:
    """The settings, with what the machine decided when the run in that folder began and a step depends on."""
    begun, _ = CheckpointFolder(run / CHECKPOINTS).newest()
    if begun is None:
        return settings
    decided: dict[str, str] = {}
    if settings.int8_base == "auto":
        decided["int8_base"] = "on" if begun.record.int8_base else "off"
    if settings.dtype == "auto":
        decided["dtype"] = begun.record.arithmetic
    return settings.model_copy(update=decided)


def check_resumable(then: RunRecord, now: RunRecord) -> tuple[str, ...]:
    """Notes in words; :class:`MismatchError` naming everything that differs and would change the result."""
    changed = [
        f"{name} was {getattr(then.settings, name)}, now {getattr(now.settings, name)}"
        for name in TeachSettings.model_fields
        if name not in MAY_CHANGE and getattr(then.settings, name) != getattr(now.settings, name)
    ]
    if then.base.weights != now.base.weights:
        changed.append(f"the base was {then.base.name} ({then.base.weights[:8]}), now {now.base.name}")
    if then.arithmetic != now.arithmetic:
        changed.append(f"it computed in {then.arithmetic}, now in {now.arithmetic}")
    if then.int8_base != now.int8_base:
        in_words = {True: "in 8 bits", False: "whole"}
        changed.append(
            f"the base's weights were {in_words[then.int8_base]} (--int8-base), now {in_words[now.int8_base]}"
        )
    if then.fingerprint != now.fingerprint:
        changed.append("the pictures, their captions, the held-out or the class pictures are others")
    if changed:
        raise MismatchError(
            f"This run cannot be resumed as asked: {'; '.join(changed)}.",
            "A run that changes in the middle is neither the one nor the other.",
            "Resume with what it began with, or teach under another name.",
        )
    notes = [
        f"{name.replace('_', ' ')} changed from {getattr(then, name)} to {getattr(now, name)}"
        for name in ("device", "threads", "gradient_checkpointing")
        if getattr(then, name) != getattr(now, name)
    ]
    versions = [name for name in now.versions if then.versions.get(name) != now.versions[name]]
    notes += [f"{name} is another version" for name in versions]
    if not notes:
        return ()
    return (f"The run goes on, but its last bits may differ from an uninterrupted one: {', '.join(notes)}.",)


def digest(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 over names and bytes of all tensors, in the order of their names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(
            tensors[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    return total.hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """``content`` under ``path``, complete and on disk, or :class:`StorageError` and nothing new."""
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=_PART)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 the temporary name is a string
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 gone already when the rename went well


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut, where the system allows it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def storage_error(path: Path, error: OSError) -> StorageError:
    """What went wrong with writing ``path``, in words."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageError(
            f"The disk is full: {path.name} could not be written.",
            "Nothing half-written was left behind; earlier checkpoints are intact.",
            f"Free space for {path.parent} and go on with --resume.",
        )
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return StorageError(
            f"{path.parent} cannot be written to.",
            f"{error.strerror}.",
            "Choose a folder that you may write to.",
        )
    return StorageError(f"{path} could not be written.", f"{error.strerror or error}.", "Check the disk.")


def _damaged(path: Path) -> StorageError:
    return StorageError(
        f"{path.name} is damaged.",
        "It cannot be read, or its contents do not match its digest.",
        "Delete it.",
    )
