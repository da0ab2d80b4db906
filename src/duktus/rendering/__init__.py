"""Recipes in, pictures out: with their noise, their facts and their files.

The names below load on first use, so that reading a picture's recipe does not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duktus.rendering.compare import Difference, compare, pixel_hash
    from duktus.rendering.files import encode_png, read_recipe
    from duktus.rendering.renderer import Materials, Picture, Preview, Renderer

__all__ = [
    "Difference",
    "Materials",
    "Picture",
    "Preview",
    "Renderer",
    "compare",
    "encode_png",
    "pixel_hash",
    "read_recipe",
]

_HOMES = {
    "Difference": "compare",
    "compare": "compare",
    "pixel_hash": "compare",
    "encode_png": "files",
    "read_recipe": "files",
    "Materials": "renderer",
    "Picture": "renderer",
    "Preview": "renderer",
    "Renderer": "renderer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
