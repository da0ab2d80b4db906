"""Enlarging in tiles: with a real Swin2SR of random weights, and with a factor that can be seen through."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support.beginnings import photo, write_random_upscaler
from tests.support.recipes import recipe

from duktus.domain.beginning import Upscale
from duktus.domain.errors import InputError, MismatchError
from duktus.families.upscaler import UpscalerKind, describe_upscaler
from duktus.rendering.renderer import Materials, Renderer
from duktus.rendering.upscaling import Upscaler, places


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return describe_upscaler(write_random_upscaler(tmp_path_factory.mktemp("up") / "two"))


@pytest.fixture(scope="module")
def upscaler(network) -> Upscaler:
    return Upscaler(network)


def how(network, tile=64, overlap=8, factor=2) -> Upscale:
    return Upscale(name="two", network=network.hash, factor=factor, tile=tile, overlap=overlap)


def test_tiles_cover_the_side_and_end_with_it(network):
    assert places(64, how(network)) == [0]
    assert places(65, how(network)) == [0, 1]
    assert places(160, how(network)) == [0, 48, 96]
    assert places(161, how(network)) == [0, 48, 96, 97]


def test_a_picture_of_one_tile_is_what_the_network_says(network, upscaler):
    pixels = photo(64, 48)
    made = upscaler.enlarge(pixels, how(network))
    assert made.shape == (96, 128, 3)
    seen = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        theirs = upscaler._module(seen).reconstruction[0].clamp(0, 1)
    assert np.array_equal(made, (theirs.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8))


def test_tiles_leave_no_seam(network, upscaler, monkeypatch):
    """With a network that only repeats pixels, tiles must give what the whole picture gives."""

    def repeated(seen: torch.Tensor) -> torch.Tensor:
        return seen.repeat_interleave(2, 2).repeat_interleave(2, 3)

    plain = Upscaler(network)
    monkeypatch.setattr(plain, "_module", repeated)
    pixels = photo(150, 90)
    ticks = []
    made = plain.enlarge(pixels, how(network), lambda *now: ticks.append(now))
    assert np.array_equal(made, pixels.repeat(2, 0).repeat(2, 1))
    assert ticks[-1] == (6, 6)


def test_the_true_network_differs_little_between_tilings(network, upscaler):
    pixels = photo(96, 64)
    whole = upscaler.enlarge(pixels, how(network, tile=96)).astype(int)
    tiled = upscaler.enlarge(pixels, how(network)).astype(int)
    columns = np.abs(whole - tiled).mean(axis=(0, 2))
    assert columns.max() < 4 * max(columns.mean(), 0.25), "no column stands out"
    assert np.array_equal(tiled, upscaler.enlarge(pixels, how(network)).astype(int))


def test_a_recipe_with_an_upscaler_renders_larger(tiny, network, upscaler):
    plain = recipe(tiny, steps=2)
    wanted = plain.model_copy(update={"upscale": how(network)})
    assert wanted.picture_size == (128, 128)
    renderer = Renderer(tiny, {}, materials=Materials(upscalers={network.hash: network}))
    small, large = (picture.pixels for picture in renderer.render([plain, wanted]))
    assert np.array_equal(large, upscaler.enlarge(small, how(network)))


def test_another_factor_than_the_recipe_says_is_refused(network, upscaler):
    with pytest.raises(MismatchError, match="2 times"):
        upscaler.enlarge(photo(), how(network, factor=4))


def test_what_is_no_upscaler_is_refused(tmp_path, network):
    (tmp_path / "net.pth").write_bytes(b"pickle")
    with pytest.raises(InputError, match="pickle"):
        describe_upscaler(tmp_path / "net.pth")
    with pytest.raises(InputError, match="is not there"):
        describe_upscaler(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="not a Swin2SR folder"):
        describe_upscaler(tmp_path)
    folder = write_random_upscaler(tmp_path / "half")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors is missing"):
        describe_upscaler(folder)


def test_a_file_for_spandrel_says_what_is_missing(network, monkeypatch):
    file = describe_upscaler(network.path / "model.safetensors")
    assert file.kind is UpscalerKind.SPANDREL
    monkeypatch.setattr("duktus.rendering.upscaling.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"spandrel and torchvision.*pip install 'duktus\[upscalers\]'"):
        Upscaler(file)
