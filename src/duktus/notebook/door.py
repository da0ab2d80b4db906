"""What every verb of the Python door stands on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duktus.actions.progress import Progress
    from duktus.actions.workspace import Workspace as Inner
    from duktus.domain.foreign import Picture
    from duktus.domain.style import Style


class Door:
    """A workspace and who is told of progress."""

    def __init__(self, inner: Inner, progress: Progress | None = None) -> None:
        self._inner = inner
        self._progress = progress

    @property
    def root(self) -> Path:
        """Its folder."""
        return self._inner.root

    def path(self, picture: Picture) -> Path:
        """The file of a picture."""
        return self._inner.file(picture)


def id_of(picture: Picture | str | Path) -> str:
    """The id of a picture that may be given by it."""
    return str(picture) if isinstance(picture, (str, Path)) else picture.id


def name_of(style: Style | str) -> str:
    """The name of a style that may be given by it."""
    return style if isinstance(style, str) else style.name
