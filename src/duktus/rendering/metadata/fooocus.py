"""Fooocus' JSON (`modules/meta_parser.py`, scheme `fooocus`).

Fooocus itself runs ``eval`` over some of these values. Here a size is two numbers by a pattern, and lists
that are written as Python text stay text.
"""

from __future__ import annotations

from typing import Any

from duktus.domain.foreign import ForeignRecipe, Tool
from duktus.rendering.metadata.a1111 import read_a1111
from duktus.rendering.metadata.reading import Reading
from duktus.rendering.metadata.strict_json import as_list, as_text, json_object

SCHEMES = {"fooocus", "a1111"}
_DIRECT = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "steps": "steps",
    "guidance_scale": "cfg",
    "clip_skip": "clip_skip",
}
_USED = {*_DIRECT, "resolution", "sampler", "scheduler", "base_model", "base_model_hash", "loras", "version"}


def read_fooocus(text: str, scheme: str) -> ForeignRecipe | None:
    """The foreign recipe of Fooocus in either of its schemes; ``None`` when it is not one."""
    if scheme == "a1111" and not text.lstrip().startswith("{"):
        return read_a1111(text, Tool.FOOOCUS)
    found = json_object(text)
    if found is None or not {"base_model", "guidance_scale", "performance"} & set(found):
        return None
    reading = Reading(Tool.FOOOCUS, as_text(found.get("version")) or "")
    for key, field in _DIRECT.items():
        reading.take(field, found.get(key), key)
    reading.size(as_text(found.get("resolution")), "resolution")
    reading.sampling(found.get("sampler"), found.get("scheduler"))
    reading.model(found.get("base_model"), found.get("base_model_hash"))
    listed = [as_list(entry) for entry in as_list(found.get("loras"))]
    for entry in listed:
        name, weight, hash_ = (*entry, None, None, None)[:3]
        reading.adapter(name, weight, hash_=hash_)
    for key, value in found.items():
        if key.startswith("lora_combined_"):
            if not listed:
                _combined(reading, value)
        elif key not in _USED and value not in ("", "None", [], None):
            reading.left(key, value)
    return reading.done()


def _combined(reading: Reading, value: Any) -> None:
    """``name : weight``, before version 2.4 the only place of a LoRA."""
    name, _, weight = (as_text(value) or "").rpartition(" : ")
    reading.adapter(name, weight)
