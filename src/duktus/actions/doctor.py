"""`duktus doctor`: is everything there that the work needs, and what to do where it is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from duktus.actions import machine
from duktus.actions.machine import Finding
from duktus.actions.progress import Progress, Silent
from duktus.actions.workspace import Workspace
from duktus.archive import assets
from duktus.domain.errors import UserError


def doctor(
    workspace: Workspace | None,
    *,
    base: str | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> list[Finding]:
    """All findings about this machine and, where there is one, the workspace.

    What the machine computes in is tried on ``base`` (default: the workspace's own), unless ``quick``.
    """
    machine.check_quick(base, quick=quick)
    told = progress or Silent()
    findings = [machine.python(), *machine.libraries(), machine.devices(), machine.memory()]
    findings.append(machine.disk(workspace.root if workspace else Path.cwd()))
    if workspace is None:
        findings.append(Finding("workspace", ok=True, found="none here", next_step="duktus init makes one."))
        return findings
    findings += _guarded("base", lambda: _base(workspace, base, told, quick=quick))
    if workspace.settings_file.is_file():
        findings += _guarded("workspace", lambda: [_workspace(workspace)])
        findings += _guarded("archive", lambda: [_archive(workspace)])
    return findings


def _guarded(name: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except UserError as error:
        yield Finding(name, ok=False, found=f"{error.what} {error.why}", next_step=error.next_step)


def _base(workspace: Workspace, name: str | None, told: Progress, *, quick: bool) -> Iterator[Finding]:
    base = (workspace if quick else workspace.proving()).base(name)
    yield machine.known(base)
    if not quick:
        yield machine.trials(base, told.say)


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
