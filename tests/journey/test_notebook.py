"""The Python door: the same verbs, end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tests.journey.conftest import STYLE, Studio
from tests.support.portfolio import TRIGGER

import duktus
from duktus.domain.errors import InputError


def test_a_style_is_directed_judged_and_proven(studio: Studio, tmp_path: Path) -> None:
    ws = duktus.open(studio.root)
    (style,) = ws.styles()
    assert style == ws.style(STYLE)
    series = ws.sweep(
        f"{TRIGGER}, a man",
        style=style,
        strength=[0, 1.0],
        cfg=3.0,
        seed=[1, 2],
        name="four",
        steps_strip=True,
    )
    assert [asset.recipe.adapters[0].strength for asset in series.assets] == [0, 0, 1, 1]
    assert ws.list_series()[0].rendered == 4
    assert series.sheet(tmp_path / "sheet.png").is_file()
    assert all(path.is_file() and path.with_suffix(".steps.png").is_file() for path in series.paths())

    first, _, third, _ = series.assets
    ws.keep(first, reason="the eyes")
    ws.rate(first, third, stars=3)
    ws.discard(str(ws.path(third)))
    assert ws.undo(third).kind == "discard"
    assert ws.series("four").standings[first.id].reason == "the eyes"

    shown = ws.show(first)
    assert [event.kind for event in shown.history] == ["keep", "rate"]
    assert {edge.parent for edge in shown.lineage} >= {style.hash, *style.training_pictures}
    difference = ws.diff(first, third)
    assert [(one.name, one.before, one.after) for one in difference.parameters] == [
        (f"strength of {STYLE}", 0, 1.0)
    ]
    assert difference.pixels is not None

    assert ws.verify(third).identical
    (copy,) = ws.render(f"{TRIGGER}, a man", style=f"{STYLE}:1.0", cfg=3.0, seed=1, out=tmp_path / "one.png")
    assert copy.id == third.id
    assert ws.verify(tmp_path / "one.png").identical
    assert ws.export(style, tmp_path).name == f"{STYLE}.safetensors"


def test_a_changed_picture_does_not_verify(studio: Studio, tmp_path: Path) -> None:
    ws = duktus.open(studio.root)
    (asset,) = ws.render("a woman", seed=5)
    with Image.open(ws.path(asset)) as picture:
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("duktus", picture.info["duktus"])
        pixels = picture.convert("RGB")
    changed = np.asarray(pixels).copy()
    changed[3, 3, 0] += 9  # wraps round
    Image.fromarray(changed).save(tmp_path / "changed.png", pnginfo=texts)
    found = ws.verify(tmp_path / "changed.png")
    assert not found.identical
    assert found.max_abs in {9, 247}
    assert found.psnr is not None


def test_options_that_do_not_exist_are_named(studio: Studio) -> None:
    with pytest.raises(InputError, match="strenght"):
        duktus.open(studio.root).sweep("a", strenght=[1])
