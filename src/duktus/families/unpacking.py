"""A single checkpoint file turned into a diffusers folder, with diffusers' own reader."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from duktus.domain.errors import InputError
from duktus.families.image_processors import prefer_pillow
from duktus.families.safetensors_header import read_header

if TYPE_CHECKING:
    from pathlib import Path

    from duktus.domain.base import Role

WITH_CHECKER = {"StableDiffusionPipeline", "StableDiffusionInpaintPipeline"}
"""Pipelines that ask for a safety checker, which is not part of a base."""
DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16}


def unpack(path: Path, pipeline: str, configuration: Path, target: Path, role: Role) -> None:
    """Write the base in ``path`` to the folder ``target``, in the dtype that most of it is in.

    ``configuration`` is a diffusers folder with the configurations and the vocabulary; its weights are not
    read. The role is kept in ``duktus.json`` beside them, for a single file does not tell it.

    Raises:
        InputError: the file does not hold what the configurations ask for.
    """
    kinds = [entry.dtype for entry in read_header(path).tensors.values()]
    dtype = DTYPES.get(max(set(kinds), key=kinds.count), torch.float32)
    diffusers_logging.disable_progress_bar()
    level = diffusers_logging.get_verbosity()
    diffusers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    prefer_pillow()
    kind: Any = getattr(diffusers, pipeline)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about optional parts of pipelines, such as a safety checker
            whole = kind.from_single_file(
                str(path),
                config=str(configuration),
                local_files_only=True,
                torch_dtype=dtype,
                **({"safety_checker": None} if pipeline in WITH_CHECKER else {}),
            )
            whole.save_pretrained(target, safe_serialization=True)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        first = str(error).strip().splitlines()
        raise InputError(
            f"{path.name} does not hold what its family needs:",
            first[0] if first else type(error).__name__,
            "Download it again, or name another folder of configurations with --config.",
        ) from error
    finally:
        diffusers_logging.set_verbosity(level)
    (target / "duktus.json").write_text(json.dumps({"role": role.value}), encoding="utf-8")
