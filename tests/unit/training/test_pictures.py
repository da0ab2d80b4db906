"""What happens to picture files of every kind, good and bad."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from tests.support.portfolio import pixels, png_claiming

from duktus.domain.errors import PictureError
from duktus.training import pictures
from duktus.training.pictures import look_hash, open_picture


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tiff"])
def test_reads_four_formats_whatever_their_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    Image.fromarray(pixels(1)).save(path)
    renamed = path.rename(tmp_path / "a.png")
    opened = open_picture(renamed)
    assert opened.pixels.shape == (64, 72, 3)
    assert opened.pixels.dtype == np.uint8
    assert not opened.notes


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (12_000, 9_000), (7_000, 6_000)])
def test_refuses_too_many_pixels_from_the_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_claiming(width, height))
    with pytest.raises(PictureError, match="too large") as caught:
        open_picture(path)
    assert f"{width * height:,}" in str(caught.value)
    assert "not decoded" in caught.value.why


def test_refuses_a_truncated_jpeg(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels(1, 200, 200)).save(buffer, "JPEG")
    path = tmp_path / "cut.jpg"
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(PictureError, match="damaged or incomplete"):
        open_picture(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Dear diary, today", "'Dear diary, '"),
        (b"\x00\x01\x02\x03 binary", "00 01 02 03"),
        (b"GIF89a\x00\x00", "47 49 46"),
        (b"", "empty"),
    ],
)
def test_says_what_a_file_holds_that_is_no_picture(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "note.png"
    path.write_bytes(content)
    with pytest.raises(PictureError) as caught:
        open_picture(path)
    assert words in str(caught.value)


def test_refuses_garbage_behind_a_png_signature(tmp_path: Path) -> None:
    path = tmp_path / "garbage.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(PictureError, match="damaged"):
        open_picture(path)


def test_refuses_a_large_file_before_reading_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_FILE_BYTES", 100)
    path = tmp_path / "big.png"
    Image.fromarray(pixels(1)).save(path)
    with pytest.raises(PictureError, match="MB"):
        open_picture(path)


def test_names_the_size_of_a_picture_that_is_too_small(tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(path)
    with pytest.raises(PictureError, match="1 x 1 pixels"):
        open_picture(path, smallest=64)


def test_lays_transparent_parts_on_white(tmp_path: Path) -> None:
    path = tmp_path / "glass.png"
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(path)
    opened = open_picture(path)
    assert (opened.pixels == 255).all()
    assert "white" in opened.notes[0]


@pytest.mark.parametrize("mode", ["LA", "PA", "P"])
def test_finds_transparency_in_every_mode_that_has_it(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "glass.png"
    clear = Image.new("RGBA", (20, 20), (10, 20, 30, 0))
    if mode == "P":
        palette = Image.new("P", (20, 20), 0)
        palette.putpalette([10, 20, 30, 0, 0, 0])
        palette.save(path, transparency=0)
    elif mode == "LA":
        clear.convert("LA").save(path)
    else:
        path = tmp_path / "glass.tiff"
        clear.convert("LA").save(path)
    assert (open_picture(path).pixels == 255).all()


def test_says_nothing_of_an_alpha_channel_that_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "full.png"
    Image.new("RGBA", (20, 20), (1, 2, 3, 255)).save(path)
    opened = open_picture(path)
    assert (opened.pixels == (1, 2, 3)).all()
    assert not opened.notes


def test_turns_a_picture_upright(tmp_path: Path) -> None:
    path = tmp_path / "lying.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels(1, 80, 40)).save(path, exif=exif)
    opened = open_picture(path)
    assert opened.pixels.shape == (80, 40, 3)
    assert "upright" in opened.notes[0]


def test_converts_a_colour_profile_to_srgb(tmp_path: Path) -> None:
    path = tmp_path / "lab.tiff"
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = Image.new("RGB", (20, 20), (200, 30, 30))
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
    assert converted is not None
    converted.save(path, icc_profile=lab.tobytes())
    opened = open_picture(path)
    assert np.abs(opened.pixels.astype(int) - (200, 30, 30)).max() <= 6
    assert "colour profile" in opened.notes[0]


def test_reads_on_when_a_colour_profile_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    Image.new("RGB", (20, 20), (5, 6, 7)).save(path, icc_profile=b"no profile at all")
    opened = open_picture(path)
    assert (opened.pixels == (5, 6, 7)).all()
    assert "cannot be used" in opened.notes[0]


def test_keeps_srgb_pixels_when_the_profile_is_srgb(tmp_path: Path) -> None:
    path = tmp_path / "srgb.png"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels(3)).save(path, icc_profile=profile)
    opened = open_picture(path)
    assert np.abs(opened.pixels.astype(int) - pixels(3)).max() <= 1
    assert not opened.notes


def test_reads_grey_16_bit_and_cmyk(tmp_path: Path) -> None:
    grey, deep, ink, line = (tmp_path / name for name in ("g.png", "d.png", "c.jpg", "l.png"))
    Image.new("L", (20, 20), 77).save(grey)
    Image.fromarray(np.full((20, 20), 257 * 77, dtype=np.uint16)).save(deep)
    Image.new("CMYK", (20, 20), (0, 0, 0, 0)).save(ink, quality=95)
    Image.new("1", (20, 20), 1).save(line)
    assert (open_picture(grey).pixels == 77).all()
    assert (open_picture(deep).pixels == 77).all()
    assert "16 bits" in open_picture(deep).notes[0]
    assert (open_picture(ink).pixels > 250).all()
    assert "CMYK" in open_picture(ink).notes[0]
    assert (open_picture(line).pixels == 255).all()


def test_refuses_floating_point_values(tmp_path: Path) -> None:
    path = tmp_path / "float.tiff"
    Image.fromarray(np.ones((20, 20), dtype=np.float32)).save(path)
    with pytest.raises(PictureError, match="floating-point"):
        open_picture(path)


def test_uses_the_first_of_several_frames(tmp_path: Path) -> None:
    path = tmp_path / "moving.png"
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    opened = open_picture(path)
    assert (opened.pixels == (255, 0, 0)).all()
    assert "first" in opened.notes[0]


def test_one_picture_in_two_formats_has_one_pixel_hash(tmp_path: Path) -> None:
    one, other = tmp_path / "a.png", tmp_path / "a.tiff"
    for path in (one, other):
        Image.fromarray(pixels(1)).save(path)
    assert open_picture(one).pixel_hash == open_picture(other).pixel_hash
    assert open_picture(one).sha256 != open_picture(other).sha256


def test_look_hash_survives_recompression_and_scaling_but_not_another_picture() -> None:
    picture = pixels(1, 300, 300)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=70)
    again = np.asarray(Image.open(buffer))
    small = np.asarray(Image.fromarray(picture).resize((150, 150)))
    assert (look_hash(picture) ^ look_hash(again)).bit_count() <= 10
    assert (look_hash(picture) ^ look_hash(small)).bit_count() <= 10
    assert (look_hash(picture) ^ look_hash(pixels(2, 300, 300))).bit_count() > 40
