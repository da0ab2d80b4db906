"""How well the demo's style knows its hand: measured on portraits drawn anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from duktus.actions.devices import pick_device
from duktus.actions.teach_style import StyleTaught
from duktus.actions.workspace import Workspace
from duktus.miniature import world
from duktus.training import read_training_set
from duktus.training.measure import held_out_losses

FIRST_SEED = 90_000


def measure(workspace: Workspace, taught: StyleTaught, count: int) -> tuple[float, float]:
    """Losses of the base and of the style on ``count`` portraits of the demo's hand, drawn now."""
    settings = taught.style.settings
    assert settings is not None  # it was taught here
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(count):
            rng = np.random.default_rng(FIRST_SEED + number)
            portrait = world.sample_portrait(rng, (world.Medium.CONTOUR_WASH,))
            picture = world.draw(portrait, FIRST_SEED + number, settings.resolution)
            Image.fromarray(picture).save(folder / f"{number:02d}.png")
            words = world.content_caption(portrait)
            (folder / f"{number:02d}.txt").write_text(f"{settings.trigger}, {words}", encoding="utf-8")
        pictures = read_training_set(folder, trigger=settings.trigger, resolution=settings.resolution)
        return held_out_losses(
            workspace.base(), taught.path, pictures, settings, device=pick_device(workspace.device)
        )
