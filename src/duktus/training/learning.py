"""What a run teaches: an adapter beside the denoiser, or the vectors of a word. The loop knows only this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from duktus.domain.style import Method
from duktus.training.adapter import AdapterLearning
from duktus.training.word import WordLearning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import Tensor, nn

    from duktus.domain.style import TeachSettings
    from duktus.families.family import LoadedBase
    from duktus.training.export import Exported


class Learning(Protocol):
    """What changes while a base is taught, and how it becomes a file."""

    @property
    def named(self) -> Mapping[str, nn.Parameter]:
        """Everything that changes, by a name with a dot in it."""
        ...

    def settle(self) -> None:
        """Bring what a step has changed back within its bounds."""
        ...

    def silenced(self) -> AbstractContextManager[None]:
        """Within, the base answers as it did before the first step, bit for bit."""
        ...

    def fault(self) -> str:
        """Why nothing can come of it: ``not finite``, that it is unchanged in words, or nothing."""
        ...

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy values of the same names into what changes."""
        ...

    def write(self, path: Path, step: int) -> str:
        """Write the style file of that step without reading it back; return its tensor hash."""
        ...

    def export(self, path: Path, step: int) -> Exported:
        """Write the style file and prove it: read back, it does what was taught."""
        ...

    def remove(self) -> None:
        """Leave the base as it was."""
        ...

    def release(self) -> None:
        """Free the memory. Nothing else may follow."""
        ...


def begin(base: LoadedBase, settings: TeachSettings) -> Learning:
    """What ``settings`` ask for, fresh, on that base.

    Raises:
        InputError: textual inversion on a base without a vocabulary to extend.
    """
    if settings.method is Method.TEXTUAL_INVERSION:
        return WordLearning(base, settings)
    return AdapterLearning(base, settings)
