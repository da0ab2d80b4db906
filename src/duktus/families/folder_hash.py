"""The hash of a base: everything in a diffusers folder that decides what it draws.

Weights count byte by byte. Configurations count as canonical JSON without the notes that saving adds (which
library wrote them, from where), so that loading and saving a base again does not make it another one.
Nothing is cached: a stale hash would be a false proof.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOTES = ("_", "transformers_version", "torch_dtype", "dtype", "architectures")
"""Beginnings of configuration keys that say who saved a file, not what it computes."""


def file_hash(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; :class:`InputError` naming the file when there is none."""
    try:
        if path.stat().st_size > 50_000_000:
            raise InputError(f"{path} is too large for a configuration.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read.", f"{error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON.", str(error)) from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no JSON object.")
    return content


def configuration_hash(path: Path) -> str:
    """SHA-256 of the canonical JSON of a configuration without its notes."""
    content = {key: value for key, value in read_json(path).items() if not key.startswith(NOTES)}
    return sha256_hex(canonical_json(content))


def folder_hash(folder: Path, weights: Iterable[Path], configurations: Iterable[Path]) -> str:
    """One SHA-256 over the sorted pairs (relative path, hash) of the files that count."""
    pairs = [[path.relative_to(folder).as_posix(), file_hash(path)] for path in weights]
    pairs += [[path.relative_to(folder).as_posix(), configuration_hash(path)] for path in configurations]
    return sha256_hex(canonical_json(sorted(pairs)))
