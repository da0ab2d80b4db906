"""`duktus base add`: a folder, a single file or a hub id becomes a base here, pinned by its hash."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from duktus.actions.names import checked_name, slug
from duktus.actions.progress import Progress, Silent
from duktus.actions.workspace import Workspace
from duktus.archive import base_records
from duktus.archive.base_records import BaseRecord
from duktus.archive.disk import explained
from duktus.archive.lock import Lock
from duktus.archive.store import file_sha256, folder_to_write
from duktus.archive.times import now
from duktus.domain.base import Base, Role
from duktus.domain.errors import ConflictError, InputError
from duktus.families.file_hashes import EVERY_BYTE, FileHashes
from duktus.families.registry import family, family_of, family_of_file
from duktus.families.roles import decided
from duktus.families.single_file import PICKLES, SingleFile, told_by_hash


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be added."""

    source: str
    """A diffusers folder, a .safetensors file, or a hub id."""
    name: str | None = None
    """Otherwise made of the source's."""
    role: Role | None = None
    """Where the files do not tell it, or narrower than they tell."""
    revision: str | None = None
    """Of a hub id: a branch, tag or commit."""
    config: str | None = None
    """Of a single file: a folder or hub id with its family's configurations and vocabulary."""
    parts: str | None = None
    """Of a file that holds a transformer alone: a folder or a base here with everything else."""


@dataclass(frozen=True, slots=True)
class BaseAdded:
    """The base, its record, and its role in words."""

    base: Base
    record: BaseRecord
    words: str


def add_base(workspace: Workspace, wanted: Wanted, *, progress: Progress | None = None) -> BaseAdded:
    """Check a base whole, then make it known; on any error nothing is added."""
    told = progress or Silent()
    workspace = workspace.proving()
    path = Path(wanted.source).expanduser()
    _refuse_contradictions(wanted, path)
    name = checked_name("base", wanted.name or slug(Path(wanted.source.rstrip("/")).stem) or "base")
    if name in workspace.known_bases():
        raise ConflictError(
            f"There is already a base named '{name}'.",
            "A base is never replaced under its name, because recipes refer to it.",
            "Choose another --name, or remove that one first: duktus base remove " + name + ".",
        )
    _refuse_at_a_glance(path, wanted)
    with explained(workspace.root):
        if workspace.prepare():
            told.say(f"Made a workspace in {workspace.root}.")
        lock = Lock(workspace.root / "archive" / "locks" / f"base-{name}.lock", f"the base '{name}'")
        with lock:
            if path.is_dir():
                base = _described(path.absolute(), name, wanted.role, workspace.hashes)
                record = _record(base, str(path.absolute()))
            elif _named_a_file(path):
                base, record = _from_file(workspace, path, name, wanted, told)
            else:
                base, record = _from_hub(workspace, name, wanted, told)
            base_records.write(workspace.base_records, record)
    return BaseAdded(base, record, family(base.family).role_words(base.role))


def _refuse_contradictions(wanted: Wanted, path: Path) -> None:
    local = path.exists()
    if wanted.revision and local:
        raise InputError(f"{path} has no revisions.", "Only a hub id has.", "Leave --revision out.")
    if wanted.config and path.is_dir():
        raise InputError(f"{path} has its own settings.", "", "--config is for single files.")
    if wanted.parts and path.is_dir():
        raise InputError(f"{path} has its own parts.", "", "--parts is for files of a transformer alone.")


def _refuse_at_a_glance(path: Path, wanted: Wanted) -> None:
    """What is no base at all is told before there is a workspace for it."""
    if path.is_dir():
        family_of(path)
    elif _named_a_file(path):
        family_of_file(path)
    else:
        _check_hub_id(wanted.source)


def _named_a_file(path: Path) -> bool:
    return path.is_file() or path.suffix.lower() in {".safetensors", *PICKLES}


def _described(folder: Path, name: str, role: Role | None, hashes: FileHashes) -> Base:
    """The base in a folder: everything there, everything hashed, and its weights those it describes."""
    base = family_of(folder).describe(folder, name, role=role, hashes=hashes)
    from duktus.families.fitting import check_fits  # noqa: PLC0415 - loads torch

    check_fits(base)
    return base


def _record(base: Base, source: str, **more: str | None) -> BaseRecord:
    return BaseRecord(
        name=base.name,
        family=base.family,
        weights=base.weights,
        role=base.role,
        folder=base.folder,
        source=source,
        added=now(),
        **more,
    )


def _check_hub_id(source: str) -> None:
    from duktus.families import hub  # noqa: PLC0415 - the hub's client is slow to load

    if not hub.is_hub_id(source):
        raise InputError(
            f"{source} is neither a folder, nor a file, nor a hub id.",
            "A hub id is OWNER/NAME, e.g. stabilityai/stable-diffusion-xl-base-1.0.",
            "Check the spelling.",
        )


def _from_hub(workspace: Workspace, name: str, wanted: Wanted, told: Progress) -> tuple[Base, BaseRecord]:
    from duktus.families import hub  # noqa: PLC0415 - the hub's client is slow to load

    found = hub.download(wanted.source, revision=wanted.revision, say=told.say)
    base = _described(found.folder, name, wanted.role, workspace.hashes)
    return base, _record(base, wanted.source, revision=found.revision)


def _from_file(
    workspace: Workspace, path: Path, name: str, wanted: Wanted, told: Progress
) -> tuple[Base, BaseRecord]:
    kept, found = family_of_file(path)
    file_hash = file_sha256(path)
    role = decided(told_by_hash(file_hash, found.told), wanted.role, path.name)
    if found.lacks is None and wanted.parts:
        raise InputError(f"{path.name} has all of its parts.", next_step="Leave --parts out.")
    if found.lacks is None:
        configuration = _configuration(wanted.config or found.configuration, told)
    else:
        configuration = _parts(workspace, path, wanted, found)
    if not kept.recognises(configuration):
        raise InputError(
            f"{configuration} is not of the family of {path.name}, {kept.name}.",
            "A single file is read with the configurations and vocabulary of its family.",
            f"Name a diffusers folder of family {kept.name} with {'--parts' if found.lacks else '--config'}.",
        )
    told.say(f"Unpacking {path.name} into the layout that bases have here.")
    target = workspace.base_records / name
    with _whole_or_nothing(target) as building:
        if found.lacks is None:
            from duktus.families.unpacking import unpack  # noqa: PLC0415 - loads torch

            unpack(path, found.pipeline, configuration, building, role)
        else:
            from duktus.families.transformer_file import Pieces, put_together  # noqa: PLC0415 - loads torch

            put_together(Pieces(path, kept.name, found.lacks, configuration), building, role)
        built = _described(building, name, role, EVERY_BYTE)  # it gets its place only later
    base = built.model_copy(update={"folder": target.absolute()})
    return base, _record(base, str(path.absolute()), source_hash=file_hash)


def _parts(workspace: Workspace, path: Path, wanted: Wanted, found: SingleFile) -> Path:
    """The folder with the parts that a file of a transformer alone lacks."""
    if wanted.parts is None:
        assert found.lacks is not None
        needed = ", ".join([*found.lacks.networks, *found.lacks.tokenizers, "scheduler"])
        raise InputError(
            f"{path.name} holds a transformer, not a whole base.",
            f"To draw, a base also needs: {needed}. duktus takes them from a diffusers folder of the same "
            "family; the transformer's own weights need not be in it.",
            f"Name such a folder (of {found.configuration}, for one) or a base here with --parts.",
        )
    if wanted.config:
        raise InputError("--config says nothing here.", "The settings come with the parts.", "Leave it out.")
    folder = Path(wanted.parts).expanduser()
    if folder.is_dir():
        return folder.absolute()
    if wanted.parts in workspace.known_bases():
        return workspace.base(wanted.parts).folder
    raise InputError(
        f"{wanted.parts} is neither a folder nor a base here.",
        next_step="Name a diffusers folder, or a base of: duktus base list.",
    )


def _configuration(place: str, told: Progress) -> Path:
    folder = Path(place).expanduser()
    if folder.is_dir():
        return folder
    from duktus.families import hub  # noqa: PLC0415 - the hub's client is slow to load

    return hub.download(place, weights=False, say=told.say).folder


@contextmanager
def _whole_or_nothing(target: Path) -> Generator[Path]:
    """A folder to build in, which gets its name when the block ends and vanishes when it raises."""
    target.parent.mkdir(parents=True, exist_ok=True)
    building = folder_to_write(target.parent)
    try:
        yield building
        if target.exists():  # left over from a removal that was interrupted: no record names it
            shutil.rmtree(target)
        building.replace(target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
