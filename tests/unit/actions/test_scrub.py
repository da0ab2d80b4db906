"""Pictures without their metadata."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.workspaces import recipe
from tools.foreign_pictures.written import chunk, golden, inserted, picture_of, pixels, png, with_comment

from duktus.actions.scrub import scrub
from duktus.domain.errors import ConflictError, InputError, PictureError
from duktus.rendering.files import encode_png, read_pixels
from duktus.rendering.metadata.explain import explain


def test_the_prompt_goes_the_pixels_and_the_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(pixels(), recipe(prompt="a secret")))
    before = path.read_bytes()
    done = scrub(path)
    assert done.path == tmp_path / "a-scrubbed.png"
    assert [one.key for one in done.removed] == ["parameters", "duktus", "invokeai_metadata", "xmp"]
    assert (read_pixels(done.path) == pixels()).all()
    left = explain(done.path.read_bytes(), "a")
    assert (left.recipe, left.foreign, left.source_type) == (None, None, "trainedAlgorithmicMedia")
    assert b"secret" not in done.path.read_bytes()
    assert path.read_bytes() == before
    with pytest.raises(ConflictError):
        scrub(path)
    assert not scrub(path, tmp_path / "b.png", everything=True).marked
    assert explain((tmp_path / "b.png").read_bytes(), "b").blocks == ()


def test_in_place_and_into_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(with_comment("JPEG", golden("a1111.txt")))
    (tmp_path / "out").mkdir()
    assert scrub(path, tmp_path / "out").path == tmp_path / "out" / "a-scrubbed.jpg"
    with pytest.raises(InputError, match="Choose one"):
        scrub(path, tmp_path / "c.jpg", in_place=True)
    assert scrub(path, in_place=True).path == path
    assert explain(path.read_bytes(), "a").blocks == ()


def test_a_signature_that_goes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(inserted(png(), chunk(b"caBX", b"\0\0\0\x10jumbc2pa")))
    assert "signature" in scrub(path).notes[0]


def test_a_damaged_picture_is_refused_and_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(picture_of("a1111.txt")[:-60])
    with pytest.raises(PictureError, match="damaged"):
        scrub(path, in_place=True)
    assert path.read_bytes() == picture_of("a1111.txt")[:-60]
    assert list(tmp_path.iterdir()) == [path]
