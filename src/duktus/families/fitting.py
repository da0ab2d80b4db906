"""Whether weights are those that their configurations describe, found out without reading a single tensor.

A folder can be whole and still be no base: the VAE of another model, a configuration with other widths.
Every network is built without memory, and its tensors are compared with the headers of its files by name and
shape.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from duktus.domain.errors import InputError
from duktus.families.diffusers_folder import Weights, weights_of
from duktus.families.folder_hash import read_json
from duktus.families.safetensors_header import read_header
from duktus.families.unet.signal_schedule import SignalSchedule

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
import diffusers
import transformers
from transformers.utils import logging as transformers_logging

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from duktus.domain.base import Base

NETWORKS = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2")
COUNTS = ".num_batches_tracked"
"""How often a norm was taught; nothing that is computed depends on it, and not every file has it."""
TEXT = {
    "clip_text_model": transformers.CLIPTextModel,
    "t5": transformers.T5EncoderModel,
    "qwen3": transformers.Qwen3Model,
}
"""How text encoders are loaded, by ``model_type``; what is not named here is not looked at."""


def check_fits(base: Base) -> None:
    """Every network of a base beside its weights, and its noise levels.

    Raises:
        InputError: names the network whose weights are others, or the configuration that describes none.
    """
    folder = base.folder
    for part in NETWORKS:
        if (folder / part / "config.json").is_file():
            _check(folder, part)
    if (folder / "unet").is_dir():
        noise = read_json(folder / "scheduler" / "scheduler_config.json")
        SignalSchedule(noise, base.name, torch.device("cpu"))


def _check(folder: Path, part: str) -> None:
    config = read_json(folder / part / "config.json")
    name = config.get("_class_name")
    if name is None and config.get("model_type") not in TEXT:
        return
    with _described(folder, part):
        if name is None:
            unfit = _text(folder / part, config, weights_of(folder, part, "model"))
        else:
            kind: Any = getattr(diffusers, str(name))
            weights = weights_of(folder, part, "diffusion_pytorch_model")
            unfit = _network(kind, config, weights)
    if unfit is not None:
        raise InputError(
            f"The weights in {part}/ of {folder} are not those that its config.json describes:",
            f"{unfit}.",
            "Copy or download the base again; every network needs its own configuration and weights.",
        )


@contextmanager
def _described(folder: Path, part: str) -> Generator[None]:
    """What building a network from a configuration raises is the configuration's fault."""
    try:
        yield
    except (KeyError, AttributeError, TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        first = str(error).strip().splitlines()
        raise InputError(
            f"{part}/config.json of {folder} describes no network:",
            f"{first[0] if first else type(error).__name__}",
            "Copy or download the base again.",
        ) from error


def _network(kind: Any, config: Mapping[str, Any], weights: Weights) -> str | None:
    """What is wrong with a network of diffusers; None when nothing is."""
    with torch.device("meta"):
        network = kind.from_config(dict(config))
        there = {
            name: torch.empty(entry.shape)
            for path in weights.files
            for name, entry in read_header(path).tensors.items()
        }
    network._fix_state_dict_keys_on_load(there)  # noqa: SLF001 - older names of attention in autoencoders
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    missing = [name for name in wanted if name not in there and not name.endswith(COUNTS)]
    unlike = [name for name in wanted if name in there and tuple(there[name].shape) != wanted[name]]
    return _words(len(wanted), missing, unlike, [name for name in there if name not in wanted])


def _text(place: Path, config: Mapping[str, Any], weights: Weights) -> str | None:
    """What is wrong with a text encoder; it may hold more than is loaded, such as the head of a whole
    language model.
    """
    kind: Any = TEXT[str(config["model_type"])]
    if "CLIPTextModelWithProjection" in (config.get("architectures") or ()):
        kind = transformers.CLIPTextModelWithProjection
    bars, level = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity(transformers_logging.CRITICAL)
    try:
        network, found = kind.from_pretrained(
            place,
            variant=weights.variant,
            device_map="meta",
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
    unlike = [name for name, *_ in found["mismatched_keys"]]
    return _words(len(network.state_dict()), [*found["missing_keys"]], unlike, [])


def _words(whole: int, missing: list[str], unlike: list[str], extra: list[str]) -> str | None:
    wrong = sorted([*missing, *unlike, *extra])
    if not wrong:
        return None
    return (
        f"of {whole} tensors {len(missing)} are missing and {len(unlike)} have another shape, "
        f"{len(extra)} more have no place; the first is {wrong[0]}"
    )
