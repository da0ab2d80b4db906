"""The hash of a base: everything in a diffusers folder that decides what it draws.

Weights count byte by byte. Configurations count as canonical JSON without the notes that saving adds (which
library wrote them, from where), so that loading and saving a base again does not make it another one.
No proof rests on anything cached: a stale hash would make it a false one. Whoever is asked for the hashes of
large files may remember them for as long as nothing has touched the files (``file_hashes.py``); a proof asks
one who reads every byte.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from duktus.families.file_hashes import FileHashes

NOTES = ("_", "transformers_version", "torch_dtype", "dtype", "architectures")
"""Beginnings of configuration keys that say who saved a file, not what it computes."""


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


def folder_hash(
    folder: Path, weights: Iterable[Path], configurations: Iterable[Path], hashes: FileHashes
) -> str:
    """One SHA-256 over the sorted pairs (relative path, hash) of the files that count."""
    pairs = [[path.relative_to(folder).as_posix(), hashes.of(path)] for path in weights]
    pairs += [[path.relative_to(folder).as_posix(), configuration_hash(path)] for path in configurations]
    return sha256_hex(canonical_json(sorted(pairs)))
