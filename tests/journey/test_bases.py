"""A base of one's own, from adding it to a verified picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.journey.conftest import STYLE, Studio, new_workspace
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.tiny_sdxl import write_tiny_sdxl
from tests.support.workspaces import Ran

import duktus

Cli = Callable[..., Ran]
QUICK = ("--steps", "2", "--size", "64x64", "--json")


def test_the_whole_way_on_sdxl(cli: Cli, tmp_path: Path, bases: dict[str, Path]) -> None:
    root = new_workspace(tmp_path / "workspace", bases)
    large = write_tiny_sdxl(tmp_path / "large")
    added = cli(root, "base", "add", str(large), "--json").document["base"]
    assert (added["name"], added["family"], added["role"]) == ("large", "sdxl", "teach and render")
    pictures = write_pictures(tmp_path / "pictures", 5)
    lesson = ("--steps", "2", "--resolution", "64", "--batch", "1", "--rank", "2")
    named = ("--name", "hand", "--trigger", TRIGGER, "--base", "large")
    taught = cli(root, "style", "teach", str(pictures), *named, *lesson, "--json")
    assert taught.code == 0, taught.err
    assert taught.document["style"]["base"]["name"] == "large"
    asked = (f"{TRIGGER}, a woman", "--style", "hand", "--base", "large", *QUICK)
    swept = cli(root, "sweep", *asked, "--strength", "0,1", "--name", "s")
    assert swept.code == 0, swept.err
    drawn = cli(root, "render", *asked, "--seed", "1").document["assets"][0]
    assert drawn["recipe"]["base"]["name"] == "large"
    assert cli(root, "verify", drawn["id"], "--json").document["verify"]["identical"]
    refused = cli(root, "render", TRIGGER, "--style", "hand", *QUICK)
    assert refused.code == 2
    assert "another family" in refused.err
    assert "--base large" in refused.err
    gone = cli(root, "base", "remove", "large", "--json").document["removed"]
    assert gone["styles"] == ["hand"]
    assert "base that is not here: large" in cli(root, "verify", drawn["id"]).err


def test_a_style_renders_on_another_base_of_its_family(cli: Cli, studio: Studio) -> None:
    done = cli(studio.root, "render", TRIGGER, "--style", STYLE, "--base", "other", "--seed", "1", *QUICK)
    assert done.code == 0, done.err
    (note,) = done.document["notes"]
    assert "taught on tiny and is rendered on other" in note
    drawn = done.document["assets"][0]
    assert drawn["recipe"]["base"]["name"] == "other"
    assert cli(studio.root, "verify", drawn["id"], "--json").document["verify"]["identical"]


def test_a_refiner_finishes_what_the_base_began(cli: Cli, tmp_path: Path, bases: dict[str, Path]) -> None:
    root = new_workspace(tmp_path / "workspace", bases)
    for name in ("large", "last"):
        folder = write_tiny_sdxl(tmp_path / name, refiner=name == "last")
        assert cli(root, "base", "add", str(folder), "--json").code == 0
    asked = ("a woman", "--base", "large", "--seed", "1", *QUICK)
    first = cli(root, "render", *asked)
    assert first.code == 0, first.err
    plain = first.document["assets"][0]
    assert "refine" not in plain["recipe"]
    done = cli(root, "render", *asked, "--refiner", "last", "--refine-at", "0.5")
    assert done.code == 0, done.err
    drawn = done.document["assets"][0]
    assert drawn["recipe"]["refine"]["name"] == "last"
    assert drawn["recipe"]["refine"]["at"] == 0.5
    assert drawn["pixel_hash"] != plain["pixel_hash"]
    assert cli(root, "verify", drawn["id"], "--json").document["verify"]["identical"]
    ws = duktus.open(root)
    (again,) = ws.render(
        "a woman", base="large", seed=1, steps=2, size=(64, 64), refiner="last", refine_at=0.5
    )
    assert again.id == drawn["id"]
    # Under another name it is found by its hash, past a base that is gone.
    assert cli(root, "base", "remove", "last").code == 0
    assert cli(root, "base", "add", str(tmp_path / "last"), "--name", "polish").code == 0
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[bases.gone]\nfolder = "nowhere"\n')
    assert duktus.open(root).verify(drawn["id"]).identical
    assert cli(root, "base", "add", str(tmp_path / "last"), "--name", "last").code == 0
    for options, why in (
        (("--refine-at", "0.5"), "without a refiner"),
        (("--refiner", "large", "--base", "miniature"), "hands no latents over"),
        (("--refiner", "nobody"), "No base is named 'nobody'"),
        (("--refiner", "last", "--hires", "2x"), "in one pass"),
    ):
        refused = cli(root, "render", *asked, *options)
        assert refused.code == 2
        assert why in refused.err
