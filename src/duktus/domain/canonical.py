"""Canonical JSON and the ids that come from it."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import rfc8785
from pydantic import Field

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A full SHA-256 as 64 lower-case hex digits."""


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 (JCS) bytes of a JSON value: equal values give equal bytes."""
    return rfc8785.dumps(value)


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of bytes as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def short_id(prefix: str, full_hash: str) -> str:
    """The id people see: a letter, a dash and the first 16 hex digits of the full hash."""
    return f"{prefix}-{full_hash[:16]}"
