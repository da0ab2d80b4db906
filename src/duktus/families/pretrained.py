"""Networks from a diffusers folder into memory: safetensors only, nothing fetched, nothing said."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from duktus.families.diffusers_folder import weights_of
from duktus.families.holding import STOCK, Holding
from duktus.families.streaming import streamed

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load_network(
    kind: Any,
    base: Path,
    name: str,
    *,
    dtype: torch.dtype,
    device: torch.device,
    holding: Holding = STOCK,
) -> Any:
    """The network in the folder ``name`` of a base, frozen, for inference; only diffusers' networks can be
    held otherwise than stock.

    :class:`InputError` when its weights are missing or no safetensors.
    """
    of_transformers = issubclass(kind, PreTrainedModel)
    weights = weights_of(base, name, "model" if of_transformers else "diffusion_pytorch_model")
    if holding != STOCK:
        assert not of_transformers
        return streamed(kind, base / name, weights, dtype=dtype, device=device, holding=holding)
    variant = weights.variant
    kwargs: dict[str, Any] = {"variant": variant} if variant else {}
    kwargs["dtype" if of_transformers else "torch_dtype"] = dtype
    with _quietly():
        network: Any = kind.from_pretrained(
            base / name, local_files_only=True, use_safetensors=True, **kwargs
        )
    return network.to(device).eval().requires_grad_(requires_grad=False)


@contextmanager
def _quietly() -> Generator[None]:
    """Without transformers' bars, and without its report on the head of a language model that is not needed;
    that nothing else is amiss was found out when the base was added.
    """
    bars, level = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
