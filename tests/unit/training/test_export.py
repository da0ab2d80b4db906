"""A style file that does not hold what was taught is found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from duktus.domain.base import Base
from duktus.domain.errors import TrainingError
from duktus.domain.style import TeachSettings
from duktus.families import registry
from duktus.families.family import LoadedBase
from duktus.families.sd15 import Sd15
from duktus.training.export import export_style

Make = Callable[..., TeachSettings]
Pairs = Mapping[str, tuple[Tensor, Tensor]]


@pytest.fixture
def loaded(tiny_base: Base) -> LoadedBase:
    return registry.family(tiny_base.family).load(tiny_base)


@pytest.fixture
def pairs(loaded: LoadedBase, settings: Make) -> Pairs:
    table = dict(loaded.denoiser.named_modules())
    draw = torch.Generator().manual_seed(0)
    out: dict[str, tuple[Tensor, Tensor]] = {}
    for path in loaded.target_modules(settings().targets):
        module = table[path]
        assert isinstance(module, nn.Linear)
        down = torch.randn(4, module.in_features, generator=draw)
        out[path] = (down, torch.randn(module.out_features, 4, generator=draw))
    return out


def test_what_is_read_back_is_what_was_taught(
    loaded: LoadedBase, pairs: Pairs, settings: Make, tmp_path: Path
) -> None:
    exported = export_style(tmp_path / "s.safetensors", loaded, pairs, settings(alpha=2), 8)
    assert exported.modules == len(pairs)
    assert exported.error < 1e-6


@pytest.mark.parametrize(
    ("fault", "words"),
    [("lost", "modules that were taught"), ("alpha", "differently than what was taught")],
)
def test_a_lossy_layout_is_refused(
    *,
    loaded: LoadedBase,
    pairs: Pairs,
    settings: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    words: str,
) -> None:
    honest = Sd15.read_style

    def read(self: Sd15, path: Path, base: LoadedBase) -> dict[str, tuple[Tensor, Tensor, float]]:
        back = honest(self, path, base)
        if fault == "lost":
            back.popitem()
            return back
        return {name: (down, up, scale * 2) for name, (down, up, scale) in back.items()}

    monkeypatch.setattr(Sd15, "read_style", read)
    with pytest.raises(TrainingError, match=words):
        export_style(tmp_path / "s.safetensors", loaded, pairs, settings(), 8)
