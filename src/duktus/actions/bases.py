"""`duktus base list|show|check|remove`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from duktus.actions.workspace import Workspace
from duktus.archive import base_records, styles
from duktus.archive.base_records import BaseRecord
from duktus.archive.disk import explained
from duktus.domain.base import Base
from duktus.domain.errors import InputError, UserError
from duktus.families.family import TeachDefaults
from duktus.families.registry import family


@dataclass(frozen=True, slots=True)
class BaseListed:
    """A base in short, without reading its weights."""

    name: str
    folder: Path
    default: bool
    """Whether commands use it when they name none."""
    record: BaseRecord | None
    """None for the miniature and the bases of duktus.toml."""


@dataclass(frozen=True, slots=True)
class BaseShown:
    """Everything known about a base."""

    base: Base
    record: BaseRecord | None
    words: str
    """Its role in words."""
    teach: TeachDefaults
    size: int
    """Bytes on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChecked:
    """What looking at every byte of a base gave."""

    name: str
    well: bool
    found: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class BaseRemoved:
    """What was removed, and what was taught on it."""

    name: str
    folder: Path | None
    """The files that duktus had made; None when only the record went."""
    styles: tuple[str, ...]


def list_bases(workspace: Workspace) -> list[BaseListed]:
    """Every base by name."""
    records = {record.name: record for record in base_records.everyone(workspace.base_records)}
    return [
        BaseListed(name, folder, name == workspace.base_name, records.get(name))
        for name, folder in sorted(workspace.known_bases().items())
    ]


def show_base(workspace: Workspace, name: str | None = None) -> BaseShown:
    """One base, the workspace's own when None; its weights must be those that were added."""
    base = workspace.base(name)
    kind = family(base.family)
    return BaseShown(
        base=base,
        record=base_records.find(workspace.base_records, base.name),
        words=kind.role_words(base.role),
        teach=kind.teach_defaults(base),
        size=sum(path.stat().st_size for path in base.folder.rglob("*") if path.is_file()),
    )


def check_base(workspace: Workspace, name: str | None = None) -> BaseChecked:
    """Whether every file of a base is there, whole, and the one that was added, byte by byte, and its weights
    those that its configurations describe.
    """
    from duktus.families.fitting import check_fits  # noqa: PLC0415 - loads torch, and listing bases does not

    wanted = name or workspace.base_name
    workspace.base_folder(wanted)
    try:
        base = workspace.proving().base(wanted)
        check_fits(base)
    except UserError as error:
        found = f"{error.what} {error.why}".strip()
        return BaseChecked(name=wanted, well=False, found=found, next_step=error.next_step)
    found = f"whole: {base.family}, {base.role.value}, {base.weights[:16]}"
    return BaseChecked(name=wanted, well=True, found=found)


def remove_base(workspace: Workspace, name: str) -> BaseRemoved:
    """Forget an added base. Files that duktus unpacked go; a person's folder and the hub's cache stay."""
    workspace.base_folder(name)
    record = base_records.find(workspace.base_records, name)
    if record is None:
        raise InputError(
            f"The base '{name}' was not added with duktus base add.",
            "It is part of duktus, or it stands in duktus.toml.",
            "Take it out of duktus.toml." if name != "miniature" else "The miniature always stays.",
        )
    with workspace.archive.read() as connection:
        taught = tuple(
            style.name for style in styles.everyone(connection) if style.base.weights == record.weights
        )
    made = workspace.base_records / name
    with explained(workspace.root):
        base_records.forget(workspace.base_records, name)
        there = made.is_dir()
        if there:
            shutil.rmtree(made)
    return BaseRemoved(name, made if there else None, taught)
