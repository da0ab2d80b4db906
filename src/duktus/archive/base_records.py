"""The bases that a person added to a workspace: one small file each, written whole or not at all.

``bases/NAME.json`` pins a base by the hash of its weights; ``bases/NAME/`` holds its files only where duktus
made them itself, from a single file.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from duktus.archive.store import write_whole
from duktus.domain.base import Role
from duktus.domain.canonical import Hash
from duktus.domain.errors import StorageError

SUFFIX = ".json"


class BaseRecord(BaseModel):
    """One added base as it was when it was checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    family: str
    weights: Hash
    role: Role
    folder: Path
    source: str
    """The folder, file or hub id that was named."""
    revision: str | None = None
    """The commit of the hub repository."""
    source_hash: Hash | None = None
    """SHA-256 of the single file it was made from."""
    added: datetime


def find(folder: Path, name: str) -> BaseRecord | None:
    """The record of that name; None where there is none."""
    path = folder / f"{name}{SUFFIX}"
    if not path.is_file():
        return None
    try:
        return BaseRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise StorageError(
            f"{path} is damaged.",
            f"{error.errors()[0]['msg']}.",
            f"Remove that file and add the base again: duktus base add ... --name {name}.",
        ) from error


def everyone(folder: Path) -> list[BaseRecord]:
    """All records, by name."""
    if not folder.is_dir():
        return []
    names = sorted(path.stem for path in folder.glob(f"*{SUFFIX}"))
    return [record for name in names if (record := find(folder, name)) is not None]


def write(folder: Path, record: BaseRecord) -> None:
    """Keep a record; from then on the base is known."""
    write_whole(folder / f"{record.name}{SUFFIX}", record.model_dump_json(indent=2).encode())


def forget(folder: Path, name: str) -> None:
    """Remove a record."""
    (folder / f"{name}{SUFFIX}").unlink(missing_ok=True)
