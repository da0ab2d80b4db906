"""What the command line asks for, Python asks for too: the same cells, the same pictures, and they differ."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.journey.conftest import STYLE
from tests.support.beginnings import photo, write_picture, write_random_control
from tests.support.portfolio import TRIGGER
from tests.support.references import write_random_encoder, write_random_reference
from tests.support.workspaces import Ran

import duktus
from duktus.families.registry import family_of

Cli = Callable[..., Ran]

AXES: dict[str, tuple[Sequence[str], dict[str, Any]]] = {
    "strength": (["--style", STYLE, "--strength", "0,1"], {"style": STYLE, "strength": [0, 1]}),
    "cfg": (["--cfg", "2..4/2"], {"cfg": [2, 4]}),
    "seed": (["--seed", "1..2"], {"seed": [1, 2]}),
    "steps": (["--steps", "2,3"], {"steps": [2, 3]}),
    "sampler": (["--sampler", "DPM++ 2M | Euler"], {"sampler": ["DPM++ 2M", "Euler"]}),
    "schedule": (["--schedule", "normal", "--schedule", "karras"], {"schedule": ["normal", "Karras"]}),
    "clip skip": (["--clip-skip", "1,2"], {"clip_skip": [1, 2]}),
    "size": (["--size", "64,72x64"], {"size": [(64, 64), (72, 64)]}),
    "base": (["--base", "tiny|other"], {"base": ["tiny", "other"]}),
    "replace woman": (["--replace", "woman, man"], {"replace": ["woman", "man"]}),
    "negative": (["--negative", "blue | red hat"], {"negative": ["blue", "red hat"]}),
    "denoise": (
        ["--image", "photo.png", "--denoise", "0.5,1"],
        {"image": "photo.png", "denoise": [0.5, 1]},
    ),
    "control weight": (
        ["--control", "line@mine:photo.png", "--control-weight", "0,1"],
        {"controls": "line@mine:photo.png", "control_weight": [0, 1]},
    ),
    "reference weight": (
        ["--reference", "photo.png", "--reference-weight", "0,1"],
        {"references": "photo.png", "reference_weight": [0, 1]},
    ),
    "variation strength": (
        ["--variation-seed", "9", "--variation-strength", "0,0.5"],
        {"variation_seed": 9, "variation_strength": [0, 0.5]},
    ),
    "hires denoise": (
        ["--hires", "1.5x", "--hires-by", "pixel", "--hires-steps", "2", "--hires-denoise", "0.5,1"],
        {"hires": "1.5x", "hires_by": "pixel", "hires_steps": 2, "hires_denoise": [0.5, 1]},
    ),
}

BEGINNINGS: dict[str, tuple[Sequence[str], dict[str, Any]]] = {
    "a style's strength": (["--style", STYLE, "--strength", "0.5"], {"style": STYLE, "strength": 0.5}),
    "a mask's file, turned round": (
        ["--image", "photo.png", "--mask", "mask.png", "--mask-inverted", "--mask-feather", "2"],
        {"image": "photo.png", "mask": "mask.png", "mask_inverted": True, "mask_feather": 2},
    ),
    "its transparent part": (
        ["--image", "clear.png", "--mask", "alpha"],
        {"image": "clear.png", "mask": "alpha"},
    ),
    "shapes": (
        ["--image", "photo.png", "--mask", "circle:50%,50%,20%", "--mask", "rect:0,0,16,16"],
        {"image": "photo.png", "mask": ["circle:50%,50%,20%", "rect:0,0,16,16"]},
    ),
    "new room": (
        ["--image", "photo.png", "--extend", "left=16,top=8"],
        {"image": "photo.png", "extend": "left=16,top=8"},
    ),
    "a control for a while": (
        ["--control", "line@mine:photo.png:0.8:0-0.5", "--control-ready"],
        {"controls": "line@mine:photo.png:0.8:0-0.5", "controls_ready": True},
    ),
    "a draft": (["--draft"], {"draft": True}),
}


LANGUAGE: dict[str, tuple[str, Sequence[str], dict[str, Any]]] = {
    "patterns and ranges": (
        "a hat",
        ["--cfg", "2, 2.5, .., 4", "--steps", "2..6/3"],
        {"cfg": [2, 2.5, 3, 3.5, 4], "steps": [2, 4, 6]},
    ),
    "zipped": (
        "a hat",
        ["--cfg", "2,3", "--steps", "2,3", "--zip", "cfg,steps"],
        {"cfg": [2, 3], "steps": [2, 3], "zip": ["cfg", "steps"]},
    ),
    "skipped": (
        "a {hat|coat}",
        ["--cfg", "2,3", "--skip", "cfg=2, prompt=a hat"],
        {"cfg": [2, 3], "skip": "cfg=2, prompt=a hat"},
    ),
    "drawn from a list": (
        "a __colours__ {hat|coat|scarf}",
        ["--draw", "4", "--wildcard-seed", "3"],
        {"draw": 4, "wildcard_seed": 3},
    ),
    "two searches": (
        "a red hat",
        ["--replace", "red, blue", "--replace", 'hat, "coat, worn"'],
        {"replace": [["red", "blue"], ["hat", "coat, worn"]]},
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, taught: Path, bases: dict[str, Path]) -> Path:
    """A workspace with a style, two bases, a control, a reference network, and pictures to begin from."""
    root = tmp_path_factory.mktemp("doors") / "workspace"
    shutil.copytree(taught, root)
    base = family_of(bases["tiny"]).describe(bases["tiny"], "tiny")
    control = write_random_control(base, root / "control")
    reference = write_random_reference(base, root / "ip.safetensors")
    encoder = write_random_encoder(root / "image_encoder")
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[controls.mine]\nfolder = "{control}"\nkind = "line"\n')
        settings.write(f'\n[references.muse]\nfile = "{reference}"\nencoder = "{encoder}"\n')
    write_picture(root / "photo.png", photo())
    write_picture(root / "mask.png", np.pad(np.full((32, 32), 255), 16))
    clear = np.dstack([photo(), np.full((64, 64), 255, np.uint8)])
    clear[:20, :, 3] = 0
    write_picture(root / "clear.png", clear)
    return root


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_is_the_same_through_both_and_changes_the_pictures(
    axis: str, cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    typed, said = AXES[axis]
    prompt, common = f"{TRIGGER}, a woman", [] if axis == "steps" else ["--steps", "2"]
    name = axis.replace(" ", "-")
    ran = cli(place, "sweep", prompt, *typed, *common, "--name", name, "--json")
    assert ran.code == 0, ran.err
    series = ran.document["series"]
    assert [one["name"] for one in series["axes"]] == [axis]
    assert series["notes"] == [], "every axis proves that it applied"
    first, second = (one["path"] for one in series["assets"])
    if axis not in {"size", "base"}:
        assert not np.array_equal(pixels(first), pixels(second))
    ws = duktus.open(place)
    again = ws.sweep(prompt, name=name, **{"steps": 2, **said})
    assert [one.id for one in again.assets] == [one["id"] for one in series["assets"]]
    if axis.endswith("weight"):
        (plain,) = ws.render(prompt, seed=1, steps=2)
        assert np.array_equal(pixels(ws.path(plain)), pixels(first)), "weight 0 is as if there were none"


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_beginning_is_the_same_through_both(
    beginning: str, cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    typed, said = BEGINNINGS[beginning]
    ran = cli(place, "render", "a woman", "--seed", "1", "--steps", "2", *typed, "--json")
    assert ran.code == 0, ran.err
    (made,) = ran.document["assets"]
    (again,) = duktus.open(place).render("a woman", seed=1, steps=2, **said)
    assert again.id == made["id"]
    drawn = pixels(made["path"])
    if beginning == "its transparent part":
        assert np.array_equal(drawn[20:], photo()[20:]), "what is there stays exactly"
        assert not np.array_equal(drawn[:20], photo()[:20])
    if beginning == "a mask's file, turned round":
        assert np.array_equal(drawn[16:48, 16:48], photo()[16:48, 16:48])


@pytest.mark.parametrize("said", LANGUAGE)
def test_a_sweep_is_said_in_either_language(said: str, cli: Cli, place: Path) -> None:
    prompt, typed, options = LANGUAGE[said]
    (place / "wildcards").mkdir(exist_ok=True)
    (place / "wildcards" / "colours.txt").write_text("red\nblue\n", encoding="utf-8")
    ran = cli(place, "sweep", prompt, *typed, "--plan", "--json")
    assert ran.code == 0, ran.err
    plan = ran.document["plan"]
    foreseen = duktus.open(place).plan(prompt, **options)
    assert (foreseen.name, foreseen.estimate.cells) == (plan["name"], plan["cells"])
    assert plan["cells"] > 1
    assert [axis.name for axis in foreseen.plan.axes] == [axis["name"] for axis in plan["axes"]]
    if said == "drawn from a list":
        inline = duktus.open(place).plan(prompt, **options, wildcards={"colours": ["red", "blue"]})
        assert inline.name == plan["name"], "a list of one's own in place of the file"


def test_a_sweep_file_and_a_series_around_a_picture(cli: Cli, place: Path) -> None:
    ran = cli(
        place, "sweep", "a {man|woman}", "--cfg", "2,3", "--steps", "2", "--name", "filed",
        "--save", "filed.sweep.toml", "--json",
    )  # fmt: skip
    made = ran.document["series"]
    ws = duktus.open(place)
    assert [one.id for one in ws.sweep_file(place / "filed.sweep.toml").assets] == [
        one["id"] for one in made["assets"]
    ]
    first = made["assets"][0]["id"]
    around = cli(place, "sweep", "--from", first, "--cfg", "2,4", "--name", "around", "--json").document
    assert [one.id for one in ws.sweep_from(first, cfg=[2, 4], name="around").assets] == [
        one["id"] for one in around["series"]["assets"]
    ]
    assert ws.verify_series("around").identical


def test_clip_skip_is_kept_by_children_and_taken_back(cli: Cli, place: Path) -> None:
    asked = ("render", "a hat", "--seed", "5", "--steps", "2", "--json")
    ran = cli(place, *asked, "--clip-skip", "2")
    assert ran.code == 0, ran.err
    (skipped,), (plain,) = ran.document["assets"], cli(place, *asked).document["assets"]
    assert skipped["recipe"]["clip_skip"] == 2
    assert "clip_skip" not in plain["recipe"]
    ws = duktus.open(place)
    assert ws.render("a hat", seed=5, steps=2, clip_skip=2)[0].id == skipped["id"]
    (child,) = ws.go_on(skipped["id"], cfg=2.0)
    assert child.recipe.clip_skip == 2
    (back,) = cli(place, "render", "--from", skipped["id"], "--clip-skip", "1", "--json").document["assets"]
    assert back["id"] == plain["id"]
    assert ws.verify(skipped["id"]).identical
    with Image.open(skipped["path"]) as picture:
        assert "Clip skip: 2" in picture.text["parameters"]  # pyright: ignore[reportAttributeAccessIssue]
    around = ws.sweep_from(skipped["id"], cfg=[2, 4], name="skipping")
    assert [one.recipe.clip_skip for one in around.assets] == [2, 2]
    refused = cli(place, "render", "a hat", "--clip-skip", "9")
    assert refused.code == 2
    assert "Clip skip 9 is not one of" in refused.err


def test_the_machine_and_the_workspace_are_as_well_through_both(cli: Cli, place: Path) -> None:
    """Free room and seconds change from one moment to the next; everything else is the same."""
    ws = duktus.open(place)
    for typed, said in ((["--quick"], {"quick": True}), (["--base", "other"], {"base": "other"})):
        ran = cli(place, "doctor", *typed, "--json")
        told = {one["name"]: one for one in ran.document["doctor"]["findings"]}
        findings = {one.name: one for one in ws.doctor(**said)}
        assert [(one.name, one.ok) for one in findings.values()] == [(n, o["ok"]) for n, o in told.items()]
        assert ran.document["doctor"]["ok"] == all(one.ok for one in findings.values())
        for name in ("python", "libraries", "base", "workspace", "archive"):
            assert asdict(findings[name]) == told[name] | {"details": tuple(told[name]["details"])}
        assert ("computes" in told) is ("--quick" not in typed)
    assert "other" in findings["base"].found


def test_the_library_and_a_collection(cli: Cli, place: Path) -> None:
    ws = duktus.open(place)
    ws.add_snippet("noise", "blurry, text", kind="negative", brand="ACME")
    (asset,) = ws.render("a hat", negative="<snippet:noise>", steps=2)
    changed = ws.change_snippet("noise", "blurry, letters")
    assert [use.asset_id for use in changed.affected] == [asset.id]
    listed = cli(place, "prompts", "list", "--brand", "ACME", "--json").document["snippets"]
    assert [one["text"] for one in listed] == ["blurry, letters"]
    shown = cli(place, "prompts", "show", "noise", "--json").document["versions"]
    assert [one["text"] for one in shown] == ["blurry, text", "blurry, letters"]

    (other,) = ws.render("a coat", steps=2)
    ws.collect("rail", asset, other)
    assert cli(place, "collection", "remove", "rail", asset.id).code == 0
    assert ws.collection("rail").pictures == (other,)
    (one,) = cli(place, "collection", "list", "--json").document["collections"]
    assert (one["name"], one["pictures"]) == ("rail", 1)
    assert "rail" in cli(place, "collection", "list").out


def test_a_decision_has_an_author_a_reason_and_a_way_back(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (asset,) = duktus.open(place).render("a scarf", steps=2)
    monkeypatch.setenv("DUKTUS_AUTHOR", "Ada")
    assert cli(place, "undecided", asset.id, "--reason", "later").code == 0
    monkeypatch.setenv("DUKTUS_AUTHOR", "Ben")
    ws = duktus.open(place)
    ws.discard(asset, reason="the colours")
    assert cli(place, "undo", asset.id).code == 0
    assert ws.redo(asset).reason == "the colours"
    told = [(one.kind.value, one.author, one.reason) for one in ws.show(asset).history]
    assert told[:2] == [("undecided", "Ada", "later"), ("discard", "Ben", "the colours")]
    assert [kind for kind, _, _ in told[2:]] == ["undo", "redo"], "nothing is overwritten"
    (kept,) = cli(place, "search", "scarf", "--decision", "discard", "--json").document["search"]["pictures"]
    assert kept["id"] == asset.id
    said = cli(place, "show", asset.id).out
    assert "Ada later" in said
    assert "Ben the colours" in said
