"""The miniature's controls and upscaler: what the world knows, and a first step of each training."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base
from tools.miniature.data import portrait_of
from tools.miniature.progress import Budget
from tools.miniature_control import control, upscaler
from tools.miniature_control.pairs import control_picture, halved

from duktus.domain.beginning import ControlKind
from duktus.families.registry import steerable
from duktus.families.upscaler import describe_upscaler
from duktus.miniature.world import Medium, draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_base(tmp_path_factory.mktemp("base"), duktus=MINIATURE_DEFAULTS)


def test_the_lines_of_a_portrait_lie_where_its_picture_changes():
    portrait = portrait_of(1, 3, (Medium.CARTOON,))
    lines = control_picture(ControlKind.LINE, portrait, 5) > 128
    grey = draw(portrait, 5).astype(float).mean(axis=2)
    change = np.hypot(*np.gradient(grey))
    assert 0.02 < lines.mean() < 0.3
    assert change[lines].mean() > 2 * change[~lines].mean()


def test_the_figure_is_nearer_than_the_ground():
    portrait = portrait_of(1, 3, (Medium.PHOTO,))
    depth = control_picture(ControlKind.DEPTH, portrait, 5)
    assert not depth[:6, :6].any()
    assert depth[56:72, 56:72].mean() > depth[110:, 20:40].mean() > 60
    assert depth.max() == 255
    other = control_picture(ControlKind.DEPTH, portrait_of(1, 3, (Medium.PENCIL,)), 5)
    assert np.array_equal(depth, other), "the geometry does not depend on the medium"


def test_half_the_size_is_the_mean_of_four():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert halved(picture)[0, 0].tolist() == np.rint(picture[:2, :2].reshape(4, 3).mean(0)).tolist()


def test_a_control_is_trained_written_and_loads(folder, tmp_path):
    out = tmp_path / "control"
    kinds = (ControlKind.LINE, ControlKind.DEPTH)
    control.train(folder, out, kinds, Budget(1, steps=2), "cpu", batch=2, portraits=4)
    network = steerable("sd15").describe_control(out)
    report = control.measure(folder, out, ControlKind.LINE, count=1)
    assert report["n"] == 1
    assert network.folder == out


def test_an_upscaler_is_trained_written_and_loads(folder, tmp_path):
    out = tmp_path / "up"
    upscaler.train(folder, out, Budget(1, steps=1), "cpu", batch=1, pool=1)
    assert describe_upscaler(out).path == out
    report = upscaler.measure(folder, out, count=1)
    assert report["drawn"]["psnr"] > 0
    assert report["rendered"]["psnr"] > 0
