"""A file that appears under its name complete or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from duktus.domain.errors import StorageError


def write_atomically(path: Path, content: bytes) -> None:
    """Write through a temporary file in the same folder, fsync, rename; folders are made.

    Raises:
        StorageError: the folder cannot be written or the disk is full; nothing is left behind.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written.", f"{error.strerror}.", "Make room or choose another folder."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
