"""The upscaler that ships beside the miniature, by the command and from Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tools.miniature.data import portrait_of
from tools.miniature_control.pairs import halved
from tools.miniature_control.upscaler import bicubic

import duktus
from duktus.cli.app import run
from duktus.domain.beginning import Upscale
from duktus.families.upscaler import describe_upscaler
from duktus.miniature import upscaler_folder
from duktus.miniature.world import TRAINED_MEDIA, draw
from duktus.rendering.compare import compare
from duktus.rendering.upscaling import Upscaler


def test_it_gives_more_of_the_drawing_than_interpolation() -> None:
    network = describe_upscaler(upscaler_folder())
    upscaler = Upscaler(network)
    how = Upscale(name="miniature", network=network.hash, factor=2, tile=192, overlap=16)
    gained = []
    for number, medium in enumerate(TRAINED_MEDIA):
        aim = draw(portrait_of(91, number, (medium,)), number, 256)
        small = halved(aim)
        ours, plain = (compare(one, aim).psnr for one in (upscaler.enlarge(small, how), bicubic(small)))
        gained.append(ours - plain)
    assert np.mean(gained) > 1.0, gained
    assert min(gained) > 0, gained


def test_a_picture_is_enlarged_without_a_word_about_the_network_and_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = duktus.open(tmp_path)
    (small,) = ws.render("a cartoon of a smiling woman", seed=4, steps=6)
    large = ws.upscale(small)
    assert large.recipe.upscale is not None
    assert large.recipe.upscale.name == "miniature"
    assert size_of(ws.path(large)) == (256, 256)
    assert ws.verify(large).identical

    again = tmp_path / "large.png"
    given = ["--workspace", str(tmp_path), "upscale", small.id, "--out", str(again), "--json"]
    assert run(given) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["assets"][0]["id"] == large.id
    assert size_of(again) == (256, 256)


def test_a_persons_own_upscaler_comes_first(tmp_path: Path) -> None:
    (tmp_path / "duktus.toml").write_text(f'[upscalers.mine]\npath = "{upscaler_folder()}"\n')
    ws = duktus.open(tmp_path)
    (small,) = ws.render("a cartoon of a smiling woman", seed=4, steps=2)
    asked = ws.upscale(small).recipe.upscale
    assert asked is not None
    assert asked.name == "mine"


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size
