"""`duktus series list|show`."""

from __future__ import annotations

from dataclasses import dataclass

from duktus.actions.workspace import Workspace
from duktus.archive import assets, decisions, series
from duktus.archive.series import Summary
from duktus.domain.asset import Asset
from duktus.domain.decision import Standing
from duktus.domain.series import Series


@dataclass(frozen=True, slots=True)
class SeriesShown:
    """A series with the assets that exist, and what was decided about them; both by asset id."""

    series: Series
    assets: dict[str, Asset]
    standings: dict[str, Standing]


def list_series(workspace: Workspace) -> list[Summary]:
    """All series of the workspace, oldest first."""
    with workspace.archive.read() as connection:
        return series.everyone(connection)


def show_series(workspace: Workspace, name: str) -> SeriesShown:
    """One series whole."""
    with workspace.archive.read() as connection:
        found = series.get(connection, name)
        ids = [cell.asset_id for cell in found.cells if cell.asset_id]
        return SeriesShown(
            found,
            assets.several(connection, ids),
            decisions.standings(connection, ids),
        )
