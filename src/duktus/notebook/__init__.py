"""The Python door, with the verbs of the command line.

::

    import duktus

    ws = duktus.open("my-workspace")
    style = ws.teach("portraits/", name="sportrait-laz", trigger="sportrait-laz")
    series = ws.sweep("sportrait-laz, portrait of a man", style=style, strength=[0.8, 1.0], cfg=[3.8, 4.0])
    series.sheet("sheet.png")
    ws.keep(series.assets[0], reason="the eyes")

Errors that a person can mend are :class:`duktus.domain.errors.UserError`. Actions are loaded when their verb
is used, so that opening a workspace does not load torch.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from duktus.notebook.deciding import Deciding
from duktus.notebook.keeping import Keeping
from duktus.notebook.making import Making, SeriesHandle

if TYPE_CHECKING:
    from duktus.actions.progress import Progress

__all__ = ["SeriesHandle", "Workspace", "open_workspace"]


class Workspace(Making, Deciding, Keeping):
    """A workspace and everything that can be asked of it."""


def open_workspace(path: str | Path, *, progress: Progress | None = None) -> Workspace:
    """The workspace in the folder ``path``, made when it is none yet.

    ``progress`` is told what goes on (:class:`duktus.actions.progress.Progress`); nobody when None.
    """
    from duktus.actions.collecting import collect_seldom
    from duktus.actions.neighbours import wait_asleep_among_others
    from duktus.wiring import workspace_at

    collect_seldom()
    wait_asleep_among_others(os.environ)
    inner = workspace_at(Path(path))
    inner.prepare()
    return Workspace(inner, progress)
