"""`duktus doctor`: is everything there that the work needs, and what to do where it is not."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from duktus.actions.workspace import Workspace
from duktus.archive import assets
from duktus.domain.errors import UserError

GB = 1024**3
LEAST_MEMORY = 2 * GB
LEAST_DISK = 1 * GB
LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``ok``, what was found, and what to do when it is not well."""

    name: str
    ok: bool
    found: str
    next_step: str = ""


def doctor(workspace: Workspace | None) -> list[Finding]:
    """All findings about this machine and, where there is one, the workspace."""
    findings = [_python(), *_libraries(), _devices(), _memory()]
    place = workspace.root if workspace else Path.cwd()
    findings.append(_disk(place))
    if workspace is None:
        findings.append(Finding("workspace", ok=True, found="none here", next_step="duktus init makes one."))
        return findings
    findings += list(_guarded("base", lambda: _base(workspace)))
    if workspace.settings_file.is_file():
        findings += list(_guarded("workspace", lambda: _workspace(workspace)))
        findings += list(_guarded("archive", lambda: _archive(workspace)))
    return findings


def _guarded(name: str, look: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield look()
    except UserError as error:
        yield Finding(name, ok=False, found=f"{error.what} {error.why}", next_step=error.next_step)


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", ok=sys.version_info >= (3, 11), found=found)


def _libraries() -> Iterator[Finding]:
    missing: list[str] = []
    there: list[str] = []
    for name in LIBRARIES:
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Finding("libraries", ok=not missing, found=", ".join(there))
    if missing:
        yield Finding(
            "missing",
            ok=False,
            found=", ".join(missing),
            next_step=f"Install them: pip install {' '.join(missing)}.",
        )


def _devices() -> Finding:
    try:
        import torch  # noqa: PLC0415 - a broken torch is a finding, not a crash
    except (ImportError, OSError) as error:
        return Finding(
            "devices",
            ok=False,
            found=f"PyTorch cannot be loaded: {error}",
            next_step="Install it again: pip install --force-reinstall torch.",
        )
    found = [f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        found += [
            f"cuda ({torch.cuda.get_device_name(number)})" for number in range(torch.cuda.device_count())
        ]
    if torch.backends.mps.is_available():
        found.append("mps")
    return Finding("devices", ok=True, found=", ".join(found))


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    well = memory.available >= LEAST_MEMORY
    found = f"{memory.available / GB:.1f} of {memory.total / GB:.1f} GB free"
    way_out = "Close other programs: teaching on the miniature needs about 2 GB."
    return Finding("memory", ok=well, found=found, next_step="" if well else way_out)


def _disk(place: Path) -> Finding:
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    well = free >= LEAST_DISK
    way_out = "Free some space before teaching or a large sweep."
    found = f"{free / GB:.1f} GB free at {existing}"
    return Finding("disk", ok=well, found=found, next_step="" if well else way_out)


def _base(workspace: Workspace) -> Finding:
    base = workspace.base()
    size = f"{base.render.width} x {base.render.height} px"
    return Finding("base", ok=True, found=f"{base.name} ({base.family}, {base.role.value}, {size})")


def _workspace(workspace: Workspace) -> Finding:
    writable = os.access(workspace.root, os.W_OK)
    return Finding(
        "workspace",
        ok=writable,
        found=f"{workspace.root}" + ("" if writable else " (read-only)"),
        next_step="" if writable else "Make the folder writable, or work in another one.",
    )


def _archive(workspace: Workspace) -> Finding:
    wrong = workspace.archive.check()
    with workspace.archive.read() as connection:
        hashes = assets.file_hashes(connection)
    missing = [one for one in hashes if not workspace.store.path(one).is_file()]
    if wrong:
        return Finding("archive", ok=False, found=wrong[0], next_step="Restore archive.sqlite from a backup.")
    if missing:
        return Finding(
            "archive",
            ok=False,
            found=f"{len(missing)} of {len(hashes)} pictures are missing from the store",
            next_step="Give the duktus sweep command again: it renders missing cells. Or restore a backup.",
        )
    return Finding("archive", ok=True, found=f"sound, {len(hashes)} pictures")
