"""The network that ships beside the miniature: its control for lines and depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.beginnings import photo, write_picture
from tests.support.workspaces import Ran, make_workspace
from tools.miniature.data import portrait_of
from tools.miniature_control.pairs import control_picture

import duktus
from duktus.domain.beginning import ControlKind
from duktus.domain.errors import MismatchError
from duktus.miniature.world import Medium, draw, full_caption
from duktus.rendering.compare import compare

Cli = Callable[..., Ran]

PORTRAITS = 3


def test_on_another_base_it_says_how_to_add_one(cli: Cli, tmp_path: Path, bases: dict[str, Path]) -> None:
    make_workspace(tmp_path / "workspace", bases["tiny"])
    write_picture(tmp_path / "sketch.png", photo())
    ran = cli(
        tmp_path / "workspace", "render", "a", "--seed", "1", "--control", f"line:{tmp_path / 'sketch.png'}"
    )
    assert ran.code == 2
    assert "No control network for line that is known fits tiny." in ran.err
    assert "miniature-line: " in ran.err
    assert "[controls.my-line]" in ran.err
    with pytest.raises(MismatchError, match=r"\[controls.my-depth\]"):
        duktus.open(tmp_path / "workspace").render("a", controls=f"depth:{tmp_path / 'sketch.png'}")


@pytest.mark.parametrize("kind", [ControlKind.LINE, ControlKind.DEPTH])
def test_a_picture_comes_nearer_to_the_portrait_it_is_held_to(
    kind: ControlKind, cli: Cli, tmp_path: Path
) -> None:
    ws = duktus.open(tmp_path / "workspace")
    nearer = []
    for number in range(PORTRAITS):
        portrait = portrait_of(77, number, (Medium.CARTOON,))
        shown = control_picture(kind, portrait, number)
        Image.fromarray(shown).convert("RGB").save(tmp_path / "shown.png")
        prompt = full_caption(portrait)
        (free,) = ws.render(prompt, seed=number, steps=10)
        control = f"{kind}:{tmp_path / 'shown.png'}"
        (held,) = ws.render(prompt, seed=number, steps=10, controls=control, controls_ready=True)
        assert held.recipe.controls[0].name == f"miniature-{kind}"
        aim = draw(portrait, number, 128)
        freely, steered = (
            compare(np.asarray(Image.open(ws.path(one)).convert("RGB")), aim).psnr for one in (free, held)
        )
        nearer.append(steered - freely)
    assert np.mean(nearer) > 1.0, nearer
    ran = cli(
        ws.root, "render", prompt, "--seed", str(number), "--steps", "10", "--control", control,
        "--control-ready", "--json",
    )  # fmt: skip
    assert [one["id"] for one in ran.document["assets"]] == [held.id], "the command asks for the same"
