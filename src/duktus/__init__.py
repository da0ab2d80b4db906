"""duktus teaches a diffusion model an artist's own hand and lets them direct it in series.

``import duktus; ws = duktus.open("my-workspace")`` gives the same verbs as the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duktus.actions.progress import Progress
    from duktus.notebook import Workspace

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(path: str | Path = ".", *, progress: Progress | None = None) -> Workspace:  # noqa: A001 - duktus.open
    """The workspace in the folder ``path``, made when it is none yet."""
    from duktus.notebook import open_workspace

    return open_workspace(path, progress=progress)
