"""What was true while a picture was computed: what `verify` compares when bits differ."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

import duktus
from duktus.domain.asset import Facts


def current_facts(device: torch.device, seconds: float) -> Facts:
    """The facts of this process on ``device``, for a picture that took ``seconds``."""
    return Facts(
        device=device.type,
        device_name=_device_name(device),
        instruction_set=_instruction_set(),
        threads=torch.get_num_threads(),
        versions=_versions(),
        seconds=seconds,
    )


@cache
def _versions() -> dict[str, str]:
    names = ("torch", "diffusers", "transformers", "numpy")
    return {
        "duktus": duktus.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


@cache
def _instruction_set() -> str:
    """E.g. ``x86_64 AVX512``: different vector widths round differently."""
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


@cache
def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
