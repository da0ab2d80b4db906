from __future__ import annotations

import numpy as np
from PIL import Image

from duktus.domain.beginning import ControlKind
from duktus.domain.beginning_words import shape
from duktus.rendering.canvas import feathered, fitted, free_latents
from duktus.rendering.edges import canny, control_pixels, strokes
from duktus.rendering.masks import drawn


def picture(ground: int, disc: int) -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    grey = np.where((x - 31.5) ** 2 + (y - 31.5) ** 2 < 20**2, disc, ground)
    return np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8)


def test_shapes_add_up_and_cover_the_pixels_inside() -> None:
    shapes = [one for text in ("circle:16,16,8", "rect:50%,0,50%,100%") if (one := shape(text))]
    mask = drawn(shapes, 64, 48)
    assert mask.shape == (48, 64)
    assert mask[16, 16] == mask[0, 32] == mask[47, 63] == 255
    assert mask[16, 26] == mask[0, 31] == 0
    assert abs(int((drawn(shapes[:1], 64, 48) > 0).sum()) - np.pi * 64) < 8
    assert not drawn([], 8, 8).any()


def test_canny_draws_one_thin_closed_line_round_a_disc() -> None:
    edges = canny(picture(40, 220))
    y, x = np.nonzero(edges)
    radius = np.hypot(x - 31.5, y - 31.5)
    assert radius.min() > 17.5
    assert radius.max() < 22.5
    angles = np.degrees(np.arctan2(y - 31.5, x - 31.5)).astype(int) // 10
    assert len(set(angles)) == 36, "all round"
    assert len(x) < 2 * 2 * np.pi * 20, "thin"
    assert not canny(picture(100, 104)).any()


def test_strokes_of_a_drawing_become_white_on_black() -> None:
    drawing = np.full((64, 64, 3), 240, np.uint8)
    drawing[20:22, 8:56] = 30
    found = strokes(drawing)
    assert found[20:22, 12:52].min() > 200
    assert found[40:, :].max() < 30
    assert not strokes(np.full((64, 64, 3), 240, np.uint8)).any(), "no stroke is made up on plain paper"


def test_depth_and_pose_are_taken_as_they_are() -> None:
    given = picture(1, 200)
    assert control_pixels(ControlKind.DEPTH, given) is given
    assert control_pixels(ControlKind.POSE, given) is given
    assert control_pixels(ControlKind.CANNY, given).shape == given.shape


def test_a_source_barely_larger_is_cut_and_any_other_scaled() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (70, 67, 3), dtype=np.uint8)
    cut = np.asarray(fitted(Image.fromarray(pixels), (64, 64)))
    assert np.array_equal(cut, pixels[3:67, 1:65])
    assert fitted(Image.fromarray(pixels), (128, 64)).size == (128, 64)
    assert fitted(Image.fromarray(pixels), (16, 16)).size == (16, 16)


def test_a_feather_rises_inside_from_nothing_to_all() -> None:
    share = np.zeros((32, 32), np.float32)
    share[:, 16:] = 1
    soft = feathered(share, 4)
    assert not soft[:, :16].any()
    row = soft[10, 16:24]
    assert row[0] < 0.2
    assert (np.diff(row) >= 0).all()
    assert (soft[:, 21:] == 1).all()


def test_a_latent_is_free_when_any_of_its_pixels_is() -> None:
    share = np.zeros((16, 24), np.float32)
    share[7, 8] = 0.1
    assert free_latents(share, 8).tolist() == [[False, True, False], [False, False, False]]
