"""Damaged files through ``import`` and ``show``, and what must hold of every one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from duktus.actions.import_pictures import Fate, import_pictures
from duktus.actions.show import show
from duktus.archive import foreign
from duktus.domain.canonical import sha256_hex
from duktus.domain.errors import UserError
from duktus.wiring import workspace_at
from tools.foreign_pictures.mutations import Case


@dataclass
class Run:
    """What came of a run. Seconds are processor time of this process."""

    cases: int = 0
    new: int = 0
    known: int = 0
    refused: int = 0
    with_settings: int = 0
    slowest_show: tuple[float, str] = (0.0, "")
    slowest_import: tuple[float, str] = (0.0, "")
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list[str])


def hostile_run(root: Path, cases: Iterable[Case]) -> Run:
    """Write every case, show it, import it; whatever is not as promised is listed in ``wrong``."""
    (root / "workspace").mkdir()
    workspace = workspace_at(root / "workspace", {})
    workspace.prepare()
    folder = root / "cases"
    folder.mkdir()
    run = Run()
    start = time.process_time()
    for case in cases:
        run.cases += 1
        path = folder / case.name
        path.write_bytes(case.data)
        begun = time.process_time()
        try:
            shown = show(workspace, str(path))
            run.with_settings += shown.explained.foreign is not None
        except UserError as error:
            if not (error.what and error.why):
                run.wrong.append(f"{case.name}: refused by show without a reason")
        except Exception as error:  # noqa: BLE001 - this is what the run looks for
            run.wrong.append(f"{case.name}: show raised {type(error).__name__}: {error}")
        middle = time.process_time()
        run.slowest_show = max(run.slowest_show, (middle - begun, case.name))
        try:
            report = import_pictures(workspace, path)
        except Exception as error:  # noqa: BLE001 - likewise
            run.wrong.append(f"{case.name}: import raised {type(error).__name__}: {error}")
            continue
        run.slowest_import = max(run.slowest_import, (time.process_time() - middle, case.name))
        if len(report.taken) != 1:
            run.wrong.append(f"{case.name}: not in the report")
            continue
        taken = report.taken[0]
        run.new += taken.fate is Fate.NEW
        run.known += taken.fate is Fate.KNOWN
        run.refused += taken.fate is Fate.REFUSED
        if taken.fate is Fate.REFUSED:
            if not taken.why:
                run.wrong.append(f"{case.name}: refused by import without a reason")
        elif workspace.store.read(sha256_hex(case.data)) != case.data:
            run.wrong.append(f"{case.name}: kept with other bytes")
        if path.read_bytes() != case.data:
            run.wrong.append(f"{case.name}: the file itself was changed")
    with workspace.archive.read() as connection:
        kept = foreign.everyone(connection)
    if len(kept) != run.new:
        run.wrong.append(f"{len(kept)} pictures are recorded, {run.new} were reported as new")
    run.seconds = time.process_time() - start
    return run
