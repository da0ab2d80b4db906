"""Bases as the plain JSON data that ``--json`` gives."""

from __future__ import annotations

from typing import Any

from duktus.actions.add_base import BaseAdded
from duktus.actions.bases import BaseListed, BaseShown
from duktus.archive.base_records import BaseRecord
from duktus.domain.base import Base


def added_json(added: BaseAdded) -> dict[str, Any]:
    """A base that was just added."""
    return _base(added.base) | {"role_words": added.words, "record": _record(added.record)}


def listed_json(one: BaseListed) -> dict[str, Any]:
    """A base in short."""
    return {
        "name": one.name,
        "folder": str(one.folder),
        "default": one.default,
        "record": _record(one.record),
    }


def shown_json(shown: BaseShown) -> dict[str, Any]:
    """A base in full."""
    teach = shown.teach
    return _base(shown.base) | {
        "role_words": shown.words,
        "bytes": shown.size,
        "record": _record(shown.record),
        "render": shown.base.render.model_dump(mode="json"),
        "teach": {
            "steps": teach.steps,
            "learning_rate": teach.learning_rate,
            "batch": teach.batch,
            "resolution": teach.resolution,
            "targets": teach.targets.value,
            "source": teach.source,
        },
    }


def _base(base: Base) -> dict[str, Any]:
    return {
        "name": base.name,
        "family": base.family,
        "role": base.role.value,
        "weights": base.weights,
        "folder": str(base.folder),
    }


def _record(record: BaseRecord | None) -> dict[str, Any] | None:
    return None if record is None else record.model_dump(mode="json")
