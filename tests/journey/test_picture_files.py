"""Pictures out in every format, and other programs' pictures in, by the commands and from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.journey.conftest import new_workspace
from tests.support.workspaces import Ran
from tools.foreign_pictures.written import NAMES, picture_of

import duktus
from duktus.domain.errors import MismatchError

Cli = Callable[..., Ran]


@pytest.fixture
def root(tmp_path: Path, bases: dict[str, Path]) -> Path:
    return new_workspace(tmp_path / "workspace", bases)


def test_a_picture_leaves_in_every_format_and_explains_itself(cli: Cli, root: Path) -> None:
    made = cli(root, "render", "a secret garden", "--seed", "3", "--out", "out", "--format", "webp", "--json")
    [copy] = made.document["copies"]
    assert copy.endswith(".webp")
    asset = made.document["assets"][0]
    assert asset["path"].endswith(".png")
    assert cli(root, "show", copy, "--json").document["asset"]["recipe"] == asset["recipe"]
    for kind in ("png", "avif", "jpg"):
        ran = cli(root, "export", asset["id"], "--out", "out", "--format", kind, "--json")
        [path] = ran.document["export"]["paths"]
        shown = cli(root, "show", path, "--json").document["asset"]
        assert shown["recipe"] == asset["recipe"]
        assert shown["file"]["source_type"] == "trainedAlgorithmicMedia"
    near = cli(root, "verify", copy, "--json")
    assert near.code == 2, "a copy that lost detail is not identical"
    assert near.document["verify"]["psnr"] > 20
    assert near.document["verify"]["facts"][0]["name"] == "file format"
    assert "file format was PNG, here it is WebP" in cli(root, "verify", copy).out
    stripped = cli(root, "export", asset["id"], "--out", "plain.webp", "--strip")
    assert stripped.code == 0
    assert b"secret" not in (root / "plain.webp").read_bytes()
    assert "unknown" in cli(root, "show", "plain.webp").out
    assert cli(root, "export", asset["id"], "--out", "plain.webp").code == 2
    assert cli(root, "render", "a", "--format", "jpg").code == 2
    assert cli(root, "render", "a", "--out", "a.webp", "--format", "jpg").code == 2
    swept = cli(root, "sweep", "a", "--seed", "1,2", "--out", "both", "--format", "jpg", "--json").document
    assert [Path(path).suffix for path in swept["series"]["copies"]] == [".jpg", ".jpg"]


def test_other_programs_pictures_come_in_are_explained_and_scrubbed(cli: Cli, root: Path) -> None:
    outputs = root / "outputs"
    outputs.mkdir()
    for number, name in enumerate(NAMES):
        (outputs / f"{number}.png").write_bytes(picture_of(name, number))
    first = cli(root, "import", "outputs")
    assert first.code == 0
    assert f"New: {len(NAMES)}" in first.out
    (outputs / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    ran = cli(root, "import", "outputs", "--json")
    assert ran.code == 2
    report = ran.document["import"]
    assert (report["new"], report["known"], report["refused"]) == (0, len(NAMES), 1)
    found = next(one for one in report["pictures"] if one["tool"] == "ComfyUI")
    words = cli(root, "show", found["id"])
    assert "made by          ComfyUI" in words.out
    assert "not mapped" in words.out
    assert "missing" in words.out
    scrubbed = cli(root, "scrub", "outputs/0.png", "--json").document["scrub"]
    assert [one["key"] for one in scrubbed["removed"]] == ["parameters"]
    refused = cli(root, "scrub", "outputs/broken.png")
    assert refused.code == 2
    assert "why: " in refused.err


def test_the_same_from_python(root: Path, tmp_path: Path) -> None:
    ws = duktus.open(root)
    (tmp_path / "a.png").write_bytes(picture_of("invokeai.json"))
    [taken] = ws.import_pictures(tmp_path / "a.png").taken
    foreign = ws.show(taken.id).explained.foreign
    assert foreign is not None
    assert foreign.steps == 28
    [asset] = ws.render("a garden")
    [copy] = ws.export_pictures(asset, out=tmp_path / "b.jpg")
    assert ws.show(copy).recipe == asset.recipe
    verified = ws.verify(copy)
    assert not verified.identical
    assert [fact.now.split(",")[0] for fact in verified.facts] == ["JPEG"]
    with Image.open(copy) as picture:
        picture.resize((32, 32)).save(tmp_path / "small.jpg", exif=picture.getexif(), xmp=picture.info["xmp"])
    with pytest.raises(MismatchError, match="32 x 32 pixels, its recipe makes 64 x 64"):
        ws.verify(tmp_path / "small.jpg")
    assert ws.show(ws.scrub(copy, everything=True)).recipe is None
