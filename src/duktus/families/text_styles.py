"""The text-encoder part of styles, beside the weights of the text encoders.

Only styles that were taught elsewhere have one. Texts are encoded one by one, so a strength is one number for
the whole call; recipes that differ in it are encoded in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from duktus.domain.errors import MismatchError
from duktus.families import lora
from duktus.families.style_files.reading import read_style_file
from duktus.families.style_files.recognising import recognise
from duktus.families.style_files.truth import Truth, file_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class TextStyles:
    """What the text encoders of one base wear: styles by tensor hash, each at a strength."""

    def __init__(self, family: str, name: str, encoders: Mapping[str, nn.Module]) -> None:
        self._family = family
        self._name = name
        self._encoders = dict(encoders)
        self._mounted: dict[str, list[lora.LoraSet]] = {}
        self.worn: tuple[tuple[str, float], ...] = ()
        """(tensor hash, strength), sorted: what an encoded text depends on beside its words."""

    def wear(self, strengths: Mapping[str, float], files: Mapping[str, Path]) -> None:
        """Wear exactly these styles; one at strength 0 gives the base's own bits.

        Raises:
            MismatchError: a file without modules of these text encoders.
        """
        for mounted in self._mounted.values():
            for part in mounted:
                part.eject()
        for style, strength in sorted(strengths.items()):
            if style not in self._mounted:
                self._mounted[style] = self._mount(files[style])
            for part in self._mounted[style]:
                part.attach()
                part.set_strengths(torch.tensor([strength], device=self._device()))
        self.worn = tuple(sorted((style, strength) for style, strength in strengths.items() if strength))

    def _device(self) -> torch.device:
        return next(next(iter(self._encoders.values())).parameters()).device

    def _mount(self, path: Path) -> list[lora.LoraSet]:
        true: dict[str, tuple[str, str]] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for part, network in self._encoders.items():
            for place, module in network.named_modules():
                if isinstance(module, nn.Linear):
                    full = f"{part}.{file_path(part, place)}"
                    true[full] = (part, place)
                    shapes[full] = tuple(module.weight.shape)
        style = recognise(
            read_style_file(path), [Truth(self._family, self._name, shapes, self._name)], only=True
        )
        per_part: dict[str, dict[str, tuple[torch.Tensor, torch.Tensor, float]]] = {}
        for stem, down, up in style.file.loaded():
            if stem in style.places:
                part, place = true[style.places[stem].modules[0]]
                pair = (down.flatten(1), up.flatten(1), style.scales[stem])
                per_part.setdefault(part, {})[place] = pair
        if not per_part:
            raise MismatchError(f"{path.name} changes no text encoder of {self._name}.")
        sets = [lora.mount(self._encoders[part], tensors) for part, tensors in per_part.items()]
        for one in sets:
            one.eject()
        return sets
