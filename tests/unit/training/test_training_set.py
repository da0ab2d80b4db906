"""A folder becomes a training set, or says everything that is wrong with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.portfolio import TRIGGER, pixels, png_claiming, write_pictures

from duktus.domain.errors import InputError, PictureError
from duktus.training import TrainingSet, read_training_set
from duktus.training.training_set import held_out_rule


def read(folder: Path, **kwargs: str) -> TrainingSet:
    return read_training_set(folder, trigger=TRIGGER, resolution=64, **kwargs)


def bare(folder: Path) -> Path:
    for path in folder.glob("*.txt"):
        path.unlink()
    return folder


def test_reads_nine_pictures_with_captions(folder: Path) -> None:
    found = read(folder)
    assert [picture.path.name for picture in found.pictures] == [f"p{n}.png" for n in range(9)]
    assert found.pictures[5].caption == f"{TRIGGER}, a woman, number 1"
    assert found.pictures[0].size == (72, 64)
    assert found.notes == ()


def test_names_every_bad_file_at_once(folder: Path) -> None:
    (folder / "p1.png").write_text("not a picture")
    jpeg = folder / "cut.jpg"
    Image.fromarray(pixels(50, 200, 200)).save(jpeg)
    jpeg.write_bytes(jpeg.read_bytes()[:900])
    Image.new("RGB", (1, 1)).save(folder / "p2.png")
    (folder / "p3.png").write_bytes(png_claiming(30_000, 30_000))
    shutil.copy(folder / "p4.png", folder / "twin.png")
    with pytest.raises(PictureError) as caught:
        read(folder)
    text = str(caught.value)
    assert text.startswith("5 of 11 pictures")
    for line in (
        "- cut.jpg is damaged",
        "- p1.png is not a picture",
        "- p2.png is too small: 1 x 1",
        "- p3.png is too large: 900,000,000",
        "- twin.png is the same picture as p4.png",
    ):
        assert line in text


@pytest.mark.parametrize(("count", "words"), [(0, "no pictures"), (1, "holds 1 picture."), (2, "2 pictures")])
def test_refuses_too_few(tmp_path: Path, count: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(write_pictures(tmp_path / "few", count))


def test_refuses_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        read(tmp_path / "nowhere")


def test_takes_pictures_by_content_and_says_what_it_leaves(folder: Path) -> None:
    (folder / "p0.png").rename(folder / "p0")
    (folder / "readme.md").write_text("hello")
    (folder / "more").mkdir()
    (folder / ".hidden.png").write_text("no picture")
    found = read(folder)
    assert len(found.pictures) == 9
    assert found.notes == (
        "The sub-folder more is not read.",
        "readme.md is no picture and is ignored.",
    )


def test_a_heic_picture_is_an_error_not_a_stray(folder: Path) -> None:
    (folder / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic")
    with pytest.raises(PictureError, match=r"phone\.heic is not a picture that duktus reads"):
        read(folder)


def test_warns_of_pictures_that_look_alike_small_or_narrow(folder: Path) -> None:
    close = np.clip(pixels(0).astype(int) + 3, 0, 255).astype(np.uint8)
    Image.fromarray(close).save(folder / "p00.png")
    Image.fromarray(pixels(30, 200, 40)).save(folder / "wide.png")
    for name in ("p00", "wide"):
        (folder / f"{name}.txt").write_text(TRIGGER)
    notes = " ".join(read(folder).notes)
    assert "p0.png and p00.png look almost the same" in notes or "p00.png and p0.png look" in notes
    assert "wide.png is enlarged from 40 to 64" in notes
    assert "wide.png is 5.0 : 1" in notes


def test_metadata_jsonl_is_read_and_a_sidecar_beats_it(folder: Path) -> None:
    bare(folder)
    rows = [{"file_name": f"p{n}.png", "text": f"a man in {TRIGGER} style"} for n in range(9)]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    (folder / "p3.txt").write_text(f"\ufeff{TRIGGER},  a\nchild ", encoding="utf-8")
    captions = [picture.caption for picture in read(folder).pictures]
    assert captions[0] == f"a man in {TRIGGER} style"
    assert captions[3] == f"{TRIGGER}, a child"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{not json", "Line 1 of metadata.jsonl is not JSON"),
        ('{"file_name": "p0.png"}', "lacks file_name or text"),
        ('{"file_name": "gone.png", "text": "a"}', "gone.png"),
        ('{"file_name": "../p0.png", "text": "a"}', "outside the folder"),
        ('["p0.png"]', "lacks file_name or text"),
    ],
)
def test_a_bad_metadata_line_is_named(folder: Path, line: str, words: str) -> None:
    (folder / "metadata.jsonl").write_text(line)
    with pytest.raises(InputError, match=words):
        read(folder)


def test_captions_without_the_trigger_are_named(folder: Path) -> None:
    (folder / "p2.txt").write_text("a woman")
    (folder / "p6.txt").write_text(f"{TRIGGER}er than thou")
    (folder / "p7.txt").unlink()
    with pytest.raises(InputError) as caught:
        read(folder)
    assert caught.value.what.startswith("3 of 9 pictures have no caption with the trigger word")
    for line in ("- p2.png: 'a woman'", "- p6.png: ", "- p7.png: no caption"):
        assert line in caught.value.what
    assert "--template" in caught.value.next_step


@pytest.mark.parametrize(
    ("template", "built", "alone"),
    [
        ("{trigger}, portrait", f"{TRIGGER}, portrait, a woman", f"{TRIGGER}, portrait"),
        ("{caption}, in {trigger} style", f"a woman, in {TRIGGER} style", f"in {TRIGGER} style"),
        ("{trigger}, {caption}", f"{TRIGGER}, a woman", TRIGGER),
    ],
)
def test_a_template_builds_the_captions_that_lack_the_trigger(
    folder: Path, template: str, built: str, alone: str
) -> None:
    (folder / "p2.txt").write_text("a woman")
    (folder / "p7.txt").unlink()
    found = read(folder, template=template)
    assert found.pictures[2].caption == built
    assert found.pictures[7].caption == alone
    assert found.pictures[0].caption == f"{TRIGGER}, a woman, number 0"
    assert "2 of 9 captions were built" in found.notes[-1]


@pytest.mark.parametrize("template", ["portrait", "{trigger} {name}", "{trigger", "{trigger} }"])
def test_a_template_needs_the_trigger_and_nothing_unknown(folder: Path, template: str) -> None:
    with pytest.raises(InputError, match="template"):
        read(folder, template=template)


def test_without_any_caption_the_trigger_stands_alone_and_it_is_said(folder: Path) -> None:
    found = read(bare(folder))
    assert {picture.caption for picture in found.pictures} == {TRIGGER}
    assert "No captions were found" in found.notes[-1]


def test_a_caption_must_be_text_of_a_sane_length(folder: Path) -> None:
    (folder / "p0.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read(folder)
    (folder / "p0.txt").write_text("x" * 100_000)
    with pytest.raises(InputError, match="100,000 bytes"):
        read(folder)


@pytest.mark.parametrize("trigger", ["", " laz", "la\nz"])
def test_refuses_a_trigger_that_cannot_be_typed(folder: Path, trigger: str) -> None:
    with pytest.raises(InputError, match="trigger word"):
        read_training_set(folder, trigger=trigger, resolution=64)


@pytest.mark.parametrize(
    ("count", "kept"), [(3, 0), (4, 0), (5, 1), (7, 1), (8, 2), (9, 2), (10, 2), (20, 4), (500, 12)]
)
def test_the_rule_keeps_back_about_a_fifth(count: int, kept: int) -> None:
    assert held_out_rule(count) == kept


def test_the_split_is_the_same_whatever_the_names(folder: Path) -> None:
    taught, kept = read(folder).split(None)
    assert (len(taught.pictures), len(kept.pictures)) == (7, 2)
    renamed = folder.with_name("renamed")
    renamed.mkdir()
    for number in range(9):
        for kind in ("png", "txt"):
            shutil.copy(folder / f"p{number}.{kind}", renamed / f"q{8 - number}.{kind}")
    again, kept_again = read(renamed).split(None)
    assert {p.sha256 for p in kept.pictures} == {p.sha256 for p in kept_again.pictures}
    assert taught.fingerprint == again.fingerprint


def test_at_least_two_pictures_stay_to_teach_on(folder: Path) -> None:
    found = read(folder)
    assert len(found.split(7)[0].pictures) == 2
    assert not found.split(0)[1].pictures
    with pytest.raises(InputError, match="8 of 9"):
        found.split(8)


def test_the_fingerprint_knows_captions_and_trigger(folder: Path) -> None:
    before = read(folder).fingerprint
    (folder / "p0.txt").write_text(f"{TRIGGER}, somebody else")
    assert read(folder).fingerprint != before
