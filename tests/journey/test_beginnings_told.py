"""What pictures began from, told by show, log, diff and the diary; and enlarged pictures."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file
from tests.journey.conftest import new_workspace
from tests.support.beginnings import photo, write_picture, write_random_control, write_random_upscaler
from tests.support.workspaces import Ran

import duktus
from duktus.domain.errors import InputError
from duktus.families.registry import family_of

Cli = Callable[..., Ran]


@pytest.fixture
def root(tmp_path: Path, bases: dict[str, Path]) -> Path:
    """A workspace with a line control and an upscaler; ``photo.png`` lies in it."""
    root = new_workspace(tmp_path / "workspace", bases)
    base = family_of(bases["tiny"]).describe(bases["tiny"], "tiny")
    control = write_random_control(base, tmp_path / "control")
    larger = write_random_upscaler(tmp_path / "larger")
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[controls.mine]\nfolder = "{control}"\nkind = "line"\n')
        settings.write(f'\n[upscalers.larger]\npath = "{larger}"\n')
    write_picture(root / "photo.png", photo())
    return root


def test_a_way_leads_through_what_was_drawn_over(cli: Cli, root: Path) -> None:
    ws = duktus.open(root)
    (plain,) = ws.render("a woman", seed=1, steps=2)
    (changed,) = ws.go_on(plain, cfg=2.0)
    (over,) = ws.render(
        "a man", seed=2, steps=2, image=changed.id, denoise=0.5, mask="rect:0,0,32,64",
        controls=f"line@mine:{plain.id}:0.7:0-0.5",
    )  # fmt: skip
    (last,) = ws.go_on(over, without="control", denoise=0.9, aim="freer")

    way = ws.log(last)
    assert [step.picture.id for step in way.steps] == [plain.id, changed.id, over.id, last.id]
    third = way.steps[2]
    assert third.descent is None
    assert third.over == over.recipe.source
    document = cli(root, "log", last.id, "--json").document["log"]
    assert document["steps"][2]["drawn_over"]["picture"] == changed.file_hash
    words = cli(root, "log", last.id).out
    assert f"drawn over {changed.id}, denoise 0.5" in words
    assert f"control line, mine, {plain.id}" in words, "its lines were found in that picture"
    assert "denoise 0.5 -> 0.9" in words
    assert "control no longer line, mine" in words
    graph = ws.draw_log(last, "dot")
    assert graph.count(f"drawn over {changed.id}, denoise 0.5") == 1
    assert graph.count(" -> ") >= len(way.steps)

    shown = cli(root, "show", over.id).out
    assert f"{changed.id}, denoise 0.5" in shown
    assert "weight 0.7, from 0 to 0.5" in shown
    assert "'network'" not in shown
    told = cli(root, "diff", plain.id, over.id).out
    assert "drawn over               none  ->" in told
    assert over.recipe.controls[0].network not in told

    for name, language in (("way.md", "en"), ("weg.md", "de")):
        made = cli(root, "diary", last.id, "--out", name, "--language", language)
        assert made.code == 0, made.err
    diary, german = ((root / name).read_text("utf-8") for name in ("way.md", "weg.md"))
    assert f"drawn over {changed.id}, denoise 0.5" in diary
    assert "Vorlage Linien, mine" in german
    assert "Gewicht 0.7, von 0 bis 0.5" in german


def test_a_picture_is_enlarged_proven_and_its_way_told(cli: Cli, root: Path) -> None:
    (first,) = cli(root, "render", "a woman", "--seed", "1", "--steps", "2", "--json").document["assets"]
    ran = cli(root, "upscale", first["id"], "--with", "larger", "--tile", "64", "--json")
    assert ran.code == 0, ran.err
    (large,) = ran.document["assets"]
    with Image.open(large["path"]) as picture:
        assert picture.size == (128, 128)
        pixels = np.asarray(picture.convert("RGB"))
    assert cli(root, "verify", large["id"]).code == 0
    assert "upscaled larger, 2x" in cli(root, "log", large["id"]).out
    ws = duktus.open(root)
    assert [step.picture.id for step in ws.log(large["id"]).steps] == [first["id"], large["id"]]
    again = ws.upscale(first["id"], using="larger", tile=64)
    assert again.id == large["id"]
    with Image.open(ws.path(again)) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), pixels)
    assert ws.verify(again).identical
    settings = root / "duktus.toml"
    renamed = settings.read_text("utf-8").replace("[upscalers.larger]", "[upscalers.bigger]")
    settings.write_text(f'{renamed}\n[upscalers.a-gone]\npath = "nowhere"\n', encoding="utf-8")
    assert cli(root, "verify", large["id"]).code == 0, "found by its hash, past one that is gone"


def test_what_does_not_enlarge_says_what_is_missing(cli: Cli, root: Path, tmp_path: Path) -> None:
    (first,) = cli(root, "render", "a woman", "--seed", "1", "--steps", "2", "--json").document["assets"]
    (tmp_path / "x4.pth").write_bytes(b"a pickle")
    refused = cli(root, "upscale", first["id"], "--with", str(tmp_path / "x4.pth"))
    assert refused.code == 2
    assert "safetensors edition" in refused.err
    assert cli(root, "upscale", first["id"], "--with", "nobody").code == 2
    if find_spec("spandrel") is None:
        save_file({"body.weight": np.zeros((2, 2), np.float32)}, tmp_path / "x4.safetensors")
        with pytest.raises(InputError, match="duktus\\[upscalers\\]"):
            duktus.open(root).upscale(first["id"], using=tmp_path / "x4.safetensors")
