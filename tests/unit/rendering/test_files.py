from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tests.support.recipes import recipe, styled

from duktus.domain.errors import PictureError
from duktus.rendering.files import encode_png, encode_strip, read_pixels, read_recipe


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.fixture
def one(tiny):
    return recipe(tiny, adapters=styled("ab" * 32, 0.85), prompt="Mädchen 漢字", negative_prompt="blurry")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def test_pixels_and_recipe_come_back_and_bytes_are_always_the_same(tmp_path, pixels, one):
    data = encode_png(pixels, one)
    assert data == encode_png(pixels.copy(), one.model_copy())
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert np.array_equal(read_pixels(path), pixels)
    assert read_recipe(path) == one
    with Image.open(io.BytesIO(data)) as picture:
        assert list(picture.text) == ["parameters", "duktus", "invokeai_metadata", "XML:com.adobe.xmp"]


def test_pictures_without_a_recipe_have_none(tmp_path, pixels, one):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "a.jpg")
    encode_strip(pixels, one, tmp_path / "strip.png")
    for name in ("a.png", "a.jpg", "strip.png"):
        assert read_recipe(tmp_path / name) is None
    assert np.array_equal(read_pixels(tmp_path / "strip.png"), pixels)


def test_reading_needs_no_torch(tmp_path, pixels, one):
    (tmp_path / "a.png").write_bytes(encode_png(pixels, one))
    code = (
        "import sys; from pathlib import Path; from duktus.rendering import read_recipe;"
        f"read_recipe(Path({str(tmp_path / 'a.png')!r})).id; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize("text", ["{}", "[]", "not json", '{"schema": 2}', "\udcff", "{" * 9000])
def test_a_recipe_that_is_none_is_refused(tmp_path, pixels, text):
    body = b"duktus\0\0\0\0\0" + text.encode("utf-8", "surrogateescape")
    data = encode_plain(pixels)
    (tmp_path / "a.png").write_bytes(data[:33] + chunk(b"iTXt", body) + data[33:])
    with pytest.raises(PictureError, match="damaged recipe"):
        read_recipe(tmp_path / "a.png")


def test_a_recipe_without_end_is_refused(tmp_path, pixels):
    data = encode_plain(pixels)
    body = b"duktus\0\0\0\0\0" + b" " * 1_000_001
    (tmp_path / "a.png").write_bytes(data[:33] + chunk(b"iTXt", body) + data[33:])
    with pytest.raises(PictureError, match="That is no recipe"):
        read_recipe(tmp_path / "a.png")


def test_a_changed_or_cut_file_is_noticed(tmp_path, pixels, one):
    data = encode_png(pixels, one)
    place = data.index(b'"seed"')
    path = tmp_path / "a.png"
    path.write_bytes(data[:place] + b'"sEEd"' + data[place + 6 :])
    with pytest.raises(PictureError, match="checksum"):
        read_recipe(path)
    path.write_bytes(encode_plain(pixels)[:-12])
    with pytest.raises(PictureError, match="before its end mark"):
        read_recipe(path)
    path.write_bytes(encode_plain(pixels)[:-40])
    with pytest.raises(PictureError, match="damaged"):
        read_pixels(path)


def test_limits_hold_before_anything_is_decoded(tmp_path, pixels):
    data = encode_plain(pixels)
    huge = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    path = tmp_path / "a.png"
    path.write_bytes(data[:8] + huge + data[33:])
    with pytest.raises(PictureError, match="30000 x 30000"):
        read_pixels(path)
    path.write_bytes(data[:20])
    with pytest.raises(PictureError, match="0 x 0"):
        read_pixels(path)
    path.write_text("text")
    with pytest.raises(PictureError, match="is not a PNG"):
        read_pixels(path)
    with pytest.raises(PictureError, match="cannot be read"):
        read_pixels(tmp_path / "absent.png")


def test_a_compressed_recipe_is_read_too(tmp_path, pixels, one):
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("duktus", one.canonical.decode(), zip=True)
    Image.fromarray(pixels).save(tmp_path / "a.png", pnginfo=texts)
    assert read_recipe(tmp_path / "a.png") == one


def encode_plain(pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
