"""SwarmUI's JSON in the `parameters` keyword (its `docs/Image Metadata Format.md`)."""

from __future__ import annotations

from typing import Any

from duktus.domain.foreign import ForeignRecipe, Tool
from duktus.rendering.metadata.reading import Reading
from duktus.rendering.metadata.strict_json import as_list, as_object, as_text, json_object

KEY = "sui_image_params"
_DIRECT = {
    "prompt": "prompt",
    "negativeprompt": "negative_prompt",
    "seed": "seed",
    "steps": "steps",
    "cfgscale": "cfg",
    "fluxguidancescale": "guidance",
    "variationseed": "variation_seed",
    "variationseedstrength": "variation_strength",
    "width": "width",
    "height": "height",
    "initimagecreativity": "denoise",
}
_USED = {*_DIRECT, "sampler", "scheduler", "model", "loras", "loraweights", "swarm_version", "images"}


def read_swarmui(text: str) -> ForeignRecipe | None:
    """The foreign recipe in SwarmUI's JSON; ``None`` when it is not one."""
    found = json_object(text)
    given = as_object((found or {}).get(KEY))
    if found is None or given is None:
        return None
    reading = Reading(Tool.SWARMUI, as_text(given.get("swarm_version")) or "")
    for key, field in _DIRECT.items():
        reading.take(field, given.get(key), key)
    reading.sampling(given.get("sampler"), given.get("scheduler"))
    hashes = _hashes(found)
    model = as_text(given.get("model")) or ""
    reading.model(model, hashes.get(_bare(model), ""))
    names, weights = _list(given.get("loras")), _list(given.get("loraweights"))
    for place, name in enumerate(names):
        weight = weights[place] if place < len(weights) else 1
        reading.adapter(name, weight, hash_=hashes.get(_bare(as_text(name) or ""), ""))
    for key, value in given.items():
        if key not in _USED:
            reading.left(key, value)
    for key, value in (as_object(found.get("sui_extra_data")) or {}).items():
        reading.left(f"sui_extra_data {key}", value)
    return reading.done()


def _hashes(found: dict[str, Any]) -> dict[str, str]:
    """Tensor hashes by model name, from `sui_models`."""
    entries = [as_object(entry) or {} for entry in as_list(found.get("sui_models"))]
    return {_bare(as_text(one.get("name")) or ""): as_text(one.get("hash")) or "" for one in entries}


def _bare(name: str) -> str:
    return name.removesuffix(".safetensors")


def _list(value: Any) -> list[Any]:
    """A list, or one written as ``a,b``."""
    text = as_text(value)
    return [part.strip() for part in text.split(",") if part.strip()] if text is not None else as_list(value)
