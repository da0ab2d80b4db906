"""Which device to compute on."""

from __future__ import annotations

from duktus.domain.errors import InputError


def pick_device(wanted: str) -> str:
    """``cpu``, ``cuda`` or ``mps``: the one asked for, or for ``auto`` the fastest that is there."""
    import torch  # noqa: PLC0415 - listing commands read this module's neighbours without torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if there["cuda"] else "mps" if there["mps"] else "cpu"
    if not there.get(wanted):
        raise InputError(
            f"The device '{wanted}' is not available.",
            f"Found here: {', '.join(name for name, found in there.items() if found)}.",
            "Set device to one of them, or to auto (duktus.toml or DUKTUS_DEVICE).",
        )
    return wanted
