"""The miniature: the small base model that duktus ships, and the drawn world it was trained on."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def weights_folder() -> Path:
    """The base model, a folder in the diffusers layout of Stable Diffusion 1.x."""
    return _HERE / "weights"


def control_folder() -> Path:
    """A ControlNet of this base that follows lines and depth, in the diffusers layout."""
    return _HERE / "control"


def upscaler_folder() -> Path:
    """A Swin2SR that doubles the base's pictures, as transformers saves it."""
    return _HERE / "upscaler"


def portraits_folder() -> Path:
    """Nine sample portraits in the demo style, PNG files with captions beside them."""
    return _HERE / "portraits"
