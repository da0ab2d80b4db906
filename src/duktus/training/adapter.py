"""Teaching an adapter beside the denoiser (LoRA)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from duktus.families import lora
from duktus.training.export import export_style, write_quietly
from duktus.training.randomness import number_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import Tensor

    from duktus.domain.style import TeachSettings
    from duktus.families.family import LoadedBase
    from duktus.training.export import Exported


class AdapterLearning:
    """See :class:`duktus.training.learning.Learning`."""

    def __init__(self, base: LoadedBase, settings: TeachSettings) -> None:
        self._base = base
        self._settings = settings
        self.adapters = lora.inject(
            base.denoiser,
            base.target_modules(settings.targets),
            rank=settings.rank,
            alpha=settings.alpha,
            seed=number_for(settings.seed, "adapter") % 2**32,
        )
        found = dict(self.adapters.named_parameters())
        self.named = {
            f"{path}.{half}": found[f"pairs.{number}.{half}"]
            for number, path in enumerate(self.adapters.paths)
            for half in ("down", "up")
        }

    def settle(self) -> None:
        """An adapter has no bounds."""

    def silenced(self) -> AbstractContextManager[None]:
        """Within, the denoiser answers as the base does."""
        return self.adapters.silenced()

    def fault(self) -> str:
        """Why nothing can come of it, or nothing."""
        ups = [up for _, up in self.adapters.tensors().values()]
        if not all(bool(torch.isfinite(up).all()) for up in ups):
            return "not finite"
        return "" if any(bool(up.any()) for up in ups) else "the adapter is still all zero"

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy values of the same names."""
        self.adapters.load(
            {path: (tensors[f"{path}.down"], tensors[f"{path}.up"]) for path in self.adapters.paths}
        )

    def write(self, path: Path, step: int) -> str:
        """Write the style file; return its tensor hash."""
        return write_quietly(path, self._base.base, self.adapters.tensors(), self._settings, step)

    def export(self, path: Path, step: int) -> Exported:
        """Write the style file and prove it."""
        return export_style(path, self._base, self.adapters.tensors(), self._settings, step)

    def remove(self) -> None:
        """Take the adapters away."""
        self.adapters.eject()

    def release(self) -> None:
        """Free the weights of the adapter."""
        self.adapters.to("meta")
