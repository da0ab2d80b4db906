"""Snippets: named, versioned pieces of prompts, and how a prompt names them: ``<snippet:soft-light>``."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from duktus.domain.canonical import canonical_json, sha256_hex

REFERENCE = re.compile(r"<snippet:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:@(?P<version>[0-9]{1,9}))?>")
"""The newest version of a snippet, or with ``@2`` that very one."""


class SnippetKind(StrEnum):
    """What a snippet is about."""

    STYLE = "style"
    SUBJECT = "subject"
    LIGHT = "light"
    BACKGROUND = "background"
    NEGATIVE = "negative"
    OTHER = "other"


class Snippet(BaseModel):
    """One version of a snippet. A change makes a further version; none is ever overwritten."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    kind: SnippetKind
    text: str
    """May name other snippets, each by a version."""
    brand: str = ""
    """For which house it is meant; empty for any."""
    author: str
    created: datetime

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of what it says: the end of the edge from a recipe."""
        said = self.model_dump(mode="json", include={"name", "version", "kind", "text", "brand"})
        return sha256_hex(canonical_json(said))

    @property
    def reference(self) -> str:
        """How a prompt names this very version."""
        return f"<snippet:{self.name}@{self.version}>"
