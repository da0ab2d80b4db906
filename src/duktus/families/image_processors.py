"""diffusers' pipelines without torchvision: nothing said of processors that nobody here uses.

A pipeline asks transformers for ``CLIPImageProcessor``. Without torchvision, transformers answers with the
Pillow one of the same name and warns. Putting it there first is the same answer, and no warning
(transformers 5, ``utils/import_utils.py``, ``_LazyModule.__getattr__``).
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

ASKED_FOR = ("CLIPImageProcessor", "SiglipImageProcessor")
"""By the pipelines of our families, and by diffusers' loaders that they are made of."""


def prefer_pillow() -> None:
    """To be called before a pipeline is named; changes nothing where torchvision is installed."""
    if find_spec("torchvision") is not None:
        return
    found = {name: getattr(import_module("transformers"), f"{name}Pil") for name in ASKED_FOR}
    transformers = import_module("transformers")  # once more: loading them puts another module in its place
    for name, processor in found.items():
        setattr(transformers, name, processor)
