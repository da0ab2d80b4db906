"""InvokeAI's `invokeai_metadata` (`invokeai/app/invocations/metadata.py`, CoreMetadata)."""

from __future__ import annotations

from typing import Any

from duktus.domain.foreign import ForeignRecipe, Tool
from duktus.rendering.metadata.reading import Reading
from duktus.rendering.metadata.strict_json import as_list, as_object, as_text, json_object

_DIRECT = {
    "positive_prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "steps": "steps",
    "cfg_scale": "cfg",
    "guidance": "guidance",
    "width": "width",
    "height": "height",
}
_USED = {*_DIRECT, "scheduler", "model", "loras", "rand_device", "app_version", "clip_skip", "strength"}


def read_invokeai(text: str) -> ForeignRecipe | None:
    """The foreign recipe in an `invokeai_metadata` text; ``None`` when it is not one."""
    found = json_object(text)
    if found is None or not {"positive_prompt", "seed", "model", "generation_mode"} & set(found):
        return None
    version = as_text(found.get("app_version")) or ""
    reading = Reading(Tool.DUKTUS if version.startswith("duktus") else Tool.INVOKEAI, version)
    for key, field in _DIRECT.items():
        reading.take(field, found.get(key), key)
    scheduler = as_text(found.get("scheduler")) or ""
    # Without `_k` InvokeAI's schedulers follow the model's own spacing.
    reading.sampling(scheduler, "" if not scheduler or scheduler.endswith("_k") else "normal", "scheduler")
    model = as_object(found.get("model"))
    reading.model(_name(model, found.get("model")), (model or {}).get("hash"))
    for entry in as_list(found.get("loras")):
        one = as_object(entry) or {}
        inner = as_object(one.get("model")) or as_object(one.get("lora")) or {}
        reading.adapter(_name(inner, None), one.get("weight"), hash_=inner.get("hash"))
    if found.get("rand_device") in {"cpu", "cuda", "mps"}:
        reading.noise("cpu" if found["rand_device"] == "cpu" else "gpu")
    skipped = found.get("clip_skip")
    if isinstance(skipped, int) and not isinstance(skipped, bool):
        reading.take("clip_skip", skipped + 1, "clip_skip")  # InvokeAI counts the layers left out
    reading.take("denoise", found.get("strength"), "strength")
    for key, value in found.items():
        if key not in _USED and value not in (None, "", [], {}):
            reading.left(key, value)
    return reading.done()


def _name(model: dict[str, Any] | None, otherwise: Any) -> str | None:
    if model is None:
        return as_text(otherwise)
    return as_text(model.get("name")) or as_text(model.get("model_name"))
