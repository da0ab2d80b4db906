"""Networks from a diffusers folder into memory: safetensors only, nothing fetched, nothing said."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

if TYPE_CHECKING:
    from pathlib import Path

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load_network(
    kind: Any, folder: Path, *, variant: str | None, dtype: torch.dtype, device: torch.device
) -> Any:
    """The network in ``folder``, frozen, for inference; ``variant`` as diffusers names it (``fp16``)."""
    kwargs: dict[str, Any] = {"variant": variant} if variant else {}
    kwargs["dtype" if issubclass(kind, PreTrainedModel) else "torch_dtype"] = dtype
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        network: Any = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True, **kwargs)
    finally:
        if bars:
            transformers_logging.enable_progress_bar()
    return network.to(device).eval().requires_grad_(requires_grad=False)
