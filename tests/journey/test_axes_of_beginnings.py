"""Axes over what pictures begin from; what a child and a series keep of it; the sweep file that says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image
from tests.journey.conftest import new_workspace
from tests.support.beginnings import photo, write_picture, write_random_control
from tests.support.foreign_styles import TAUGHT, TEXT, kohya, save, taught
from tests.support.workspaces import Ran

import duktus
from duktus.actions.style_files import candidates
from duktus.domain.asset import Asset
from duktus.domain.errors import InputError
from duktus.families.registry import family_of
from duktus.wiring import workspace_at

Cli = Callable[..., Ran]


@pytest.fixture
def root(tmp_path: Path, bases: dict[str, Path]) -> Path:
    """A workspace with a line control named ``mine``; ``photo.png`` lies in it."""
    root = new_workspace(tmp_path / "workspace", bases)
    base = family_of(bases["tiny"]).describe(bases["tiny"], "tiny")
    folder = write_random_control(base, tmp_path / "control")
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[controls.mine]\nfolder = "{folder}"\nkind = "line"\n')
    write_picture(root / "photo.png", photo())
    return root


def _different(ws: duktus.Workspace, assets: Sequence[Asset]) -> bool:
    """Whether the files' pixels are all different, read with Pillow."""
    return len({Image.open(ws.path(one)).convert("RGB").tobytes() for one in assets}) == len(assets)


def test_every_axis_of_a_beginning_changes_the_pictures(root: Path) -> None:
    ws = duktus.open(root)
    image, common = root / "photo.png", {"seed": 1, "steps": 4, "sampler": "Euler"}
    over = ws.sweep("a woman", image=image, denoise=[0.25, 0.5, 1.0], **common)
    assert [one.recipe.source.denoise for one in over.assets if one.recipe.source] == [0.25, 0.5, 1.0]
    assert _different(ws, over.assets)
    assert over.notes == ()

    held = ws.sweep("a woman", controls=f"line:{image}", control_weight=[0.0, 0.5, 1.0], **common)
    assert [one.recipe.controls[0].weight for one in held.assets] == [0.0, 0.5, 1.0]
    assert _different(ws, held.assets)

    turned = ws.sweep("a woman", variation_seed=9, variation_strength=[0, 0.3, 1.0], **common)
    assert [one.recipe.variation and one.recipe.variation.strength for one in turned.assets] == [
        None,
        0.3,
        1.0,
    ]
    assert _different(ws, turned.assets)
    (plain,) = ws.render("a woman", **common)
    assert plain.recipe == turned.assets[0].recipe, "strength 0 is the plain seed"

    larger = ws.sweep("a woman", hires="2x", hires_denoise=[0.25, 0.5], **common)
    assert [one.recipe.hires.denoise for one in larger.assets if one.recipe.hires] == [0.25, 0.5]
    assert _different(ws, larger.assets)

    same = ws.sweep("red blue", replace=[["red", "blue"], ["blue", "red"]], image=image, **common)
    assert len(same.assets) == 4
    assert len({one.id for one in same.assets}) == len({one.recipe.id for one in same.assets}) == 3
    assert len(list((root / "pictures" / same.name).glob("*.png"))) == 3, "equal cells are rendered once"

    for options, word in (
        ({"denoise": [0.2, 0.4]}, "denoise was given without a picture"),
        ({"variation_strength": [0.2, 0.4]}, "without a seed to turn to"),
        ({"hires_denoise": [0.2, 0.4]}, "without a hires pass"),
        ({"control_weight": [0.2, 0.4]}, "with no controls"),
        ({"text_strength": [0.2, 0.4]}, "with no styles"),
        ({"text_strength": {"hand": [0.2, 0.4]}}, "which is not used"),
        ({"image": image, "denoise": [0.5, 1.5]}, "denoise 1.5 cannot be used"),
    ):
        with pytest.raises(InputError, match=word):
            ws.sweep("a woman", **common, **options)


def test_the_text_strength_of_each_style_is_an_axis(cli: Cli, root: Path, tmp_path: Path) -> None:
    ws = duktus.open(root)
    truth = candidates(workspace_at(root, {}))[0]
    for number, name in enumerate(("one", "two")):
        tensors = kohya(taught(truth, rf"{TAUGHT['sd15']}|{TEXT}", seed=number))
        ws.import_style(save(tmp_path / f"{name}.safetensors", tensors), name=name, base="tiny")
    styles = ["one:0.05", "two:0.05"]
    both = ws.sweep(
        "one two", style=styles, text_strength={"one": [0, 0.05], "two": [0, 0.05]}, seed=1, steps=2
    )
    strengths = [[used.strength_text for used in one.recipe.adapters] for one in both.assets]
    assert sorted(map(tuple, strengths)) == [(0, 0), (0, 0.05), (0.05, 0), (0.05, 0.05)]
    assert _different(ws, both.assets)
    alone = ws.sweep("one", style="one:0.05", text_strength=[0, 0.05], seed=1, steps=2)
    assert _different(ws, alone.assets)
    assert ws.extend(alone.name, text_strength={"one": [0.1]}).assets[:2] == alone.assets

    weaker, same = alone.assets  # going on, the text-encoder part keeps its strength, or goes along
    (kept,) = ws.go_on(weaker, cfg=2.0)
    (along,) = ws.go_on(same, strength=0.04)
    ran = cli(root, "render", "--from", same.id, "--style", "one:0.05:0.02", "--json")
    assert ran.code == 0, ran.err
    (typed,) = ran.document["assets"]
    assert [one.recipe.adapters[0].strength_text for one in (kept, along)] == [0, 0.04]
    assert typed["recipe"]["adapters"][0]["strength_text"] == 0.02


def test_a_series_begun_from_a_picture_is_written_down_and_goes_on(cli: Cli, root: Path) -> None:
    given = (
        "sweep", "a woman", "--image", "photo.png", "--mask", "circle:32,32,16", "--mask-feather", "2",
        "--control", "line:photo.png:0.5:0-0.75", "--denoise", "0.5,1", "--variation-seed", "9",
        "--steps", "2", "--name", "over",
    )  # fmt: skip
    first = cli(root, *given, "--save", "typed.sweep.toml", "--json")
    assert first.code == 0, first.err
    made = first.document["series"]
    shown = cli(root, "series", "show", "over", "--file", "kept.sweep.toml")
    assert shown.code == 0, shown.err
    assert 'image = "photo.png"' in (root / "typed.sweep.toml").read_text("utf-8")
    again = cli(root, "sweep", "--file", "typed.sweep.toml", "--json").document["series"]
    assert (again["rendered"], again["assets"]) == (0, made["assets"])
    (root / "photo.png").unlink()
    again = cli(root, "sweep", "--file", "kept.sweep.toml", "--json").document["series"]
    assert (again["rendered"], again["assets"]) == (0, made["assets"]), "its pictures lie in the archive"
    longer = cli(root, "sweep", "--add-to", "over", "--denoise", "0.75", "--json")
    assert longer.code == 0, longer.err
    cells = longer.document["series"]["assets"]
    assert [one["recipe"]["source"]["denoise"] for one in cells] == [0.5, 1, 0.75], "new cells come last"
    assert longer.document["series"]["rendered"] == 1
    assert cli(root, "series", "resume", "over").code == 0
    wrong = (root / "kept.sweep.toml").read_text("utf-8").replace("mask_feather", "mask_fether")
    (root / "wrong.sweep.toml").write_text(wrong, encoding="utf-8")
    refused = cli(root, "sweep", "--file", "wrong.sweep.toml")
    assert refused.code == 2
    assert "Did you mean 'mask_feather'?" in refused.err

    around = cli(root, "sweep", "--from", made["assets"][0]["id"], "--cfg", "3,5", "--json")
    assert around.code == 0, around.err
    one, other = (cell["recipe"] for cell in around.document["series"]["assets"])
    assert one == made["assets"][0]["recipe"]
    assert other == {**one, "cfg": 5.0}


def test_a_child_keeps_what_its_parent_began_from_unless_told(cli: Cli, root: Path) -> None:
    write_picture(root / "other.png", photo(seed=5))
    done = cli(
        root, "render", "a woman", "--image", "photo.png", "--denoise", "0.5", "--mask", "circle:32,32,16",
        "--extend", "right=32", "--control", "line:photo.png:0.5", "--variation-seed", "9", "--seed", "1",
        "--steps", "2", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    parent = done.document["assets"][0]

    def child(*arguments: str) -> dict[str, object]:
        ran = cli(root, "render", "--from", parent["id"], *arguments, "--json")
        assert ran.code == 0, ran.err
        return ran.document["assets"][0]["recipe"]

    recipe = parent["recipe"]
    assert child("--cfg", "4.5") == {**recipe, "cfg": 4.5}
    assert child("--denoise", "0.9") == {**recipe, "source": {**recipe["source"], "denoise": 0.9}}
    assert child("--variation-strength", "0.5") == {**recipe, "variation": {"seed": 9, "strength": 0.5}}
    without = {key: value for key, value in recipe.items() if key not in {"source", "mask"}}
    assert child("--without", "image") == without
    bare = child("--without", "mask,control", "--without", "variation")
    assert bare == {
        key: value for key, value in recipe.items() if key not in {"mask", "controls", "variation"}
    }
    over = child("--image", "other.png")
    assert over["source"] != recipe["source"]
    assert (over["width"], "mask" in over, over["controls"]) == (64, False, recipe["controls"])
    for part, word in (("hires", "has no hires to leave out"), ("imag", "Did you mean 'image'?")):
        refused = cli(root, "render", "--from", parent["id"], "--without", part)
        assert refused.code == 2
        assert word in refused.err
    assert cli(root, "render", "a", "--without", "mask").code == 2
