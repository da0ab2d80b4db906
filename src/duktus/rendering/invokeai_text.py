"""The `invokeai_metadata` text: InvokeAI's import reads nothing else (its `extract_metadata_from_image.py`).

InvokeAI finds a model by key, then hash, then name. Ours are none of its own, so key and hash hold the hashes
of our weights, which match nothing by accident. A scheduler that InvokeAI does not have is left out.
"""

from __future__ import annotations

import json
from typing import Any

import duktus
from duktus.domain.recipe import Recipe
from duktus.rendering.metadata.sampler_names import invokeai_scheduler


def invokeai_text(recipe: Recipe) -> str:
    """The JSON of a recipe as InvokeAI writes it."""
    values: dict[str, Any] = {
        "app_version": f"duktus {duktus.__version__}",
        "generation_mode": "img2img" if recipe.source else "txt2img",
        "positive_prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "width": recipe.width,
        "height": recipe.height,
        "seed": recipe.seed,
        "rand_device": "cpu",
        "cfg_scale": recipe.cfg,
        "steps": recipe.steps,
        "scheduler": invokeai_scheduler(recipe.sampler, recipe.schedule),
        "model": _model(recipe.base.name, recipe.base.weights, "main"),
        "loras": [
            {"model": _model(adapter.name, adapter.style, "lora"), "weight": adapter.strength}
            for adapter in recipe.adapters
            if adapter.word is None  # of a word InvokeAI knows no more than the prompt says
        ],
        "strength": recipe.source.denoise if recipe.source else None,
    }
    return json.dumps({key: value for key, value in values.items() if value is not None}, ensure_ascii=False)


def _model(name: str, full_hash: str, kind: str) -> dict[str, str]:
    return {"key": full_hash, "hash": f"duktus:{full_hash}", "name": name, "base": "any", "type": kind}
