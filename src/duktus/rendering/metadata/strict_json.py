"""JSON from strangers: objects only, bounded, and typed values taken out of it one by one."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DIGITS = 40
"""Of a number in a text; more is no setting of a picture."""


def json_object(text: str) -> dict[str, Any] | None:
    """The object in ``text``; ``None`` when it is no JSON, no object, or nested beyond reason."""
    try:
        value = json.loads(text, parse_int=_whole, parse_constant=_constant)
    except (ValueError, RecursionError):
        return None
    return as_object(value)


def as_object(value: Any) -> dict[str, Any] | None:
    """``value`` if it is an object. JSON's keys are always text."""
    return value if isinstance(value, dict) else None


def as_list(value: Any) -> list[Any]:
    """``value`` if it is a list, otherwise an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """``value`` if it is text; halves of surrogate pairs, which JSON may hold, become question marks."""
    return sound(value) if isinstance(value, str) else None


def sound(text: str) -> str:
    """Text that every encoding and database takes."""
    return text.encode("utf-8", "replace").decode()


def as_whole(value: Any) -> int | None:
    """A whole number, also when written as ``28.0`` or ``"28"``."""
    number = as_number(value)
    if number is None or number != int(number):
        return None
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        return int(value.strip())  # exact beyond what a float holds
    return value if isinstance(value, int) else int(number)


def as_number(value: Any) -> float | None:
    """A finite number, also when written as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if len(value.strip()) > MAX_DIGITS or "_" in value:
            return None
        try:
            value = float(value.strip())
        except ValueError:
            return None
    if not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def as_words(value: Any) -> str:
    """Any JSON value as one line for people."""
    if isinstance(value, str):
        return sound(value)
    try:
        return sound(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        return "..."


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


def _constant(_name: str) -> None:
    return None  # NaN and Infinity, which ComfyUI may write, are no values
