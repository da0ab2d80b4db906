"""From what a person typed or wrote in Python to a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from duktus.domain import axes
from duktus.domain.decision import Label
from duktus.domain.errors import InputError
from duktus.domain.foreign import Tool
from duktus.domain.query import Order, Query, Span, date, span

SPANS = ("strength", "cfg", "steps", "seed", "stars")
DATES = ("since", "until")
SOURCES = ("imported", "unknown", "here")
"""Beside the names of programs: every imported picture, those that say nothing, and those rendered here."""
CHOICES = {"decision": ("keep", "discard", "undecided"), "label": tuple(Label), "order": tuple(Order)}


def query_of(asked: Mapping[str, Any], saved: Query | None = None) -> Query:
    """The query behind options as text: what is None or empty was not said. ``saved`` says what it does not.

    :class:`InputError` naming the option that cannot be read.
    """
    unknown = [key for key in asked if key not in Query.model_fields]
    if unknown:
        near = get_close_matches(unknown[0], Query.model_fields, 1)
        raise InputError(
            f"The condition '{unknown[0]}' is unknown.",
            f"Known: {', '.join(Query.model_fields)}.",
            f"Did you mean '{near[0]}'?" if near else "",
        )
    values = {key: _read(key, value) for key, value in asked.items() if value is not None and value != ""}
    if saved is not None and values.get("order") == Order.NEWEST:
        del values["order"]  # the option's default is no wish
    known = saved.model_dump() if saved else {}
    try:
        return Query.model_validate({**known, **values})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{first['loc'][0]} {first['input']!r} cannot be searched.", f"{first['msg']}."
        ) from error


def _read(key: str, value: Any) -> Any:
    if key in SPANS:
        return _span(key, value)
    if key in DATES:
        return date(key, str(value))
    if key == "sampler":
        return _ours_or_as_written(axes.samplers, str(value))
    if key == "schedule":
        return _ours_or_as_written(axes.schedules, str(value))
    if key == "tool":
        return _tool(str(value))
    if key == "size" and isinstance(value, str):
        return axes.sizes(value)[0]
    if key in CHOICES:
        return _choice(key, str(value))
    return value


def _span(key: str, value: Any) -> Span:
    if isinstance(value, (int, float)):
        return Span(least=value, most=value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Span(least=value[0], most=value[-1])
    return span(key, str(value))


def _choice(key: str, value: str) -> str:
    known = CHOICES[key]
    if value.casefold() in known:
        return value.casefold()
    near = get_close_matches(value.casefold(), known, 1)
    raise InputError(
        f"{key} '{value}' is unknown.",
        f"Known: {', '.join(known)}.",
        f"Did you mean '{near[0]}'?" if near else f"Choose one of them with --{key}.",
    )


def _ours_or_as_written(read: Callable[[Sequence[str]], Sequence[StrEnum]], value: str) -> str:
    try:
        return read([value])[0].value
    except InputError:
        return value.strip()  # of an imported picture; the search knows whether any has it


def _tool(value: str) -> str:
    known = [*(tool.value for tool in Tool), *SOURCES]
    for one in known:
        if one.casefold() == value.strip().casefold():
            return one
    near = get_close_matches(value, known, 1)
    raise InputError(
        f"'{value}' is no program whose pictures are imported.",
        f"There are {', '.join(known)}.",
        f"Did you mean '{near[0]}'?" if near else "Write for instance --tool ComfyUI, or --tool imported.",
    )
