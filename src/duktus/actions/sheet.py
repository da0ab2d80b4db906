"""`duktus sheet`: the contact sheet of a series."""

from __future__ import annotations

from pathlib import Path

from duktus.actions.progress import Progress, Silent
from duktus.actions.workspace import Workspace
from duktus.archive import assets, collections, decisions, series
from duktus.archive.disk import explained
from duktus.domain.errors import InputError
from duktus.rendering.sheet import SheetCell, sheet_html, sheet_png

WRITERS = {".png": sheet_png, ".html": sheet_html, ".htm": sheet_html}


def sheet(workspace: Workspace, name: str, out: Path, *, progress: Progress | None = None) -> Path:
    """Write the sheet of a series to ``out``, as PNG or as one self-contained HTML file by its ending."""
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise InputError(
            f"{out} is neither a .png nor a .html file.",
            "The ending says what kind of sheet is laid.",
            f"Write for instance --out {out.with_suffix('.png').name}.",
        )
    with workspace.archive.read() as connection:
        found = series.get(connection, name)
        ids = [cell.asset_id for cell in found.cells if cell.asset_id]
        listed = {asset_id: assets.get(connection, asset_id) for asset_id in ids}
        standings = decisions.standings(connection, ids)
        held = {asset_id: tuple(collections.holding(connection, asset_id)) for asset_id in dict.fromkeys(ids)}
    cells = [
        SheetCell(
            coordinates=cell.coordinates,
            asset_id=cell.asset_id,
            path=workspace.file(listed[cell.asset_id]),
            recipe=listed[cell.asset_id].recipe,
            standing=standings[cell.asset_id],
            collections=held[cell.asset_id],
        )
        for cell in found.cells
        if cell.asset_id
    ]
    if not cells:
        raise InputError(
            f"The series '{name}' has no picture yet.",
            "Its sweep was stopped before the first one was finished.",
            "Give the same duktus sweep command again; it goes on where it stopped.",
        )
    (progress or Silent()).say(f"Laying the sheet of {len(cells)} pictures.")
    with explained(out):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        write(name, found.axes, cells, out, notes=found.notes)
    return out
