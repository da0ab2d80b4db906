"""The diffusers row proved: the file is loaded by diffusers itself and every weight change is compared."""

from __future__ import annotations

import logging
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from transformers.utils import logging as transformers_logging

from duktus.families.image_processors import prefer_pillow
from duktus.families.style_files.checking import Proof
from duktus.families.style_files.mending import change_of
from duktus.families.style_files.truth import build, file_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from duktus.families.style_files.mending import Piece

PIPELINES = {
    "sd15": "StableDiffusionPipeline",
    "sdxl": "StableDiffusionXLPipeline",
    "flux": "FluxPipeline",
    "zimage": "ZImagePipeline",
    "flux2": "Flux2KleinPipeline",
}
NAME = "file"


def can_prove() -> bool:
    """Whether diffusers' loader can run here: it needs peft, which duktus itself does not."""
    return find_spec("peft") is not None


def prove(
    path: Path, family: str, configs: Mapping[str, Mapping[str, Any]], meant: Mapping[str, Piece]
) -> Proof:
    """Load the file with ``load_lora_weights`` into networks of those configurations (without weights).

    ``meant`` is the weight change of each true module as the file intends it.
    """
    parts = {
        part: network for part, config in configs.items() if (network := _empty(part, config)) is not None
    }
    prefer_pillow()
    kind: Any = getattr(diffusers, PIPELINES[family])
    pipeline = pipeline_of(kind, parts)
    level, bars = logging.root.manager.disable, transformers_logging.is_progress_bar_enabled()
    logging.disable(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline.load_lora_weights(path.parent, weight_name=path.name, adapter_name=NAME)
    except Exception as error:  # noqa: BLE001 - whatever that code raises on a file is its refusal
        return Proof((), (), 0.0, refusal=f"{type(error).__name__}: {error}".partition("\n")[0][:300])
    finally:
        logging.disable(level)
        if bars:
            transformers_logging.enable_progress_bar()
    changes = {name: change for part, network in parts.items() for name, change in _changes(part, network)}
    ratios: list[float] = []
    worst = 0.0
    for name, change in changes.items():
        wanted = change_of(meant[name]) if name in meant else torch.zeros_like(change)
        size = float((wanted * wanted).sum())
        ratio = float((wanted * change).sum()) / size if size else 0.0
        ratios.append(ratio)
        worst = max(worst, float((change - ratio * wanted).norm()) / size**0.5 if size else float("inf"))
    return Proof(tuple(changes), tuple(ratios), worst)


def _empty(part: str, config: Mapping[str, Any]) -> Any:
    network = build(part, config)
    return None if network is None else network.to_empty(device="cpu").eval()


def pipeline_of(kind: Any, parts: Mapping[str, Any]) -> Any:
    """A pipeline of that kind with nothing but these parts."""
    pipeline: Any = kind.__new__(kind)
    diffusers.DiffusionPipeline.__init__(pipeline)
    modules, _ = kind._get_signature_keys(kind)  # noqa: SLF001 - a pipeline with nothing but these parts
    pipeline.register_modules(**{name: parts.get(name) for name in modules})
    return pipeline


def _changes(part: str, network: Any) -> Any:
    """(true module, weight change) of every module that peft wrapped."""
    for path, module in network.named_modules():
        factors = getattr(module, "lora_A", None)
        if factors is None or NAME not in factors or factors[NAME].weight.is_meta:
            continue  # a pair without numbers was made ready for names that the file does not have
        down = factors[NAME].weight.detach().double().flatten(1)
        up = module.lora_B[NAME].weight.detach().double().flatten(1)
        yield f"{part}.{file_path(part, path)}", module.scaling[NAME] * (up @ down)
