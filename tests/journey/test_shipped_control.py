"""The network that ships beside the miniature: its control for lines and depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tools.miniature.data import portrait_of
from tools.miniature_control.pairs import control_picture

import duktus
from duktus.domain.beginning import ControlKind
from duktus.miniature.world import Medium, draw, full_caption
from duktus.rendering.compare import compare

PORTRAITS = 3


@pytest.mark.parametrize("kind", [ControlKind.LINE, ControlKind.DEPTH])
def test_a_picture_comes_nearer_to_the_portrait_it_is_held_to(kind: ControlKind, tmp_path: Path) -> None:
    ws = duktus.open(tmp_path / "workspace")
    nearer = []
    for number in range(PORTRAITS):
        portrait = portrait_of(77, number, (Medium.CARTOON,))
        shown = control_picture(kind, portrait, number)
        Image.fromarray(shown).convert("RGB").save(tmp_path / "shown.png")
        prompt = full_caption(portrait)
        (free,) = ws.render(prompt, seed=number, steps=10)
        (held,) = ws.render(
            prompt, seed=number, steps=10, controls=f"{kind}:{tmp_path / 'shown.png'}", controls_ready=True
        )
        assert held.recipe.controls[0].name == f"miniature-{kind}"
        aim = draw(portrait, number, 128)
        freely, steered = (
            compare(np.asarray(Image.open(ws.path(one)).convert("RGB")), aim).psnr for one in (free, held)
        )
        nearer.append(steered - freely)
    assert np.mean(nearer) > 1.0, nearer
