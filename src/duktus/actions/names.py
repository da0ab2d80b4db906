"""Names that people give to styles and series, used as file names too."""

from __future__ import annotations

import re
import unicodedata

from duktus.domain.errors import InputError

LONGEST = 64
_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def checked_name(kind: str, name: str) -> str:
    """``name`` when it can name a file everywhere; else :class:`InputError` with one that can."""
    if _ALLOWED.fullmatch(name) and len(name) <= LONGEST and not name.endswith("."):
        return name
    raise InputError(
        f"'{name}' cannot name a {kind}.",
        f"Names have letters, digits, - _ and . and at most {LONGEST} characters, for they name files too.",
        f"Take for instance '{slug(name) or kind}'.",
    )


def slug(text: str, longest: int = LONGEST) -> str:
    """A file name made of the words of a text; may be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", plain.lower())
    return "-".join(words)[:longest].rstrip("-")
