"""Starting from what exists, as people ask for it: on the command line and in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin
from tests.journey.conftest import Studio
from tests.support.beginnings import photo, write_picture, write_random_adapter, write_random_control
from tests.support.references import write_random_encoder, write_random_reference
from tests.support.tiny_base import write_tiny_base
from tests.support.workspaces import Ran, make_workspace

import duktus
from duktus.families.registry import family_of

Cli = Callable[..., Ran]


def pixels(path: Path | str) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_picture_is_drawn_over_within_a_mask_and_proven(cli: Cli, studio: Studio, tmp_path: Path) -> None:
    write_picture(tmp_path / "photo.png", photo())
    done = cli(
        studio.root, "render", "a woman", "--image", str(tmp_path / "photo.png"), "--denoise", "0.8",
        "--mask", "circle:32,32,16", "--seed", "3", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    (first,) = done.document["assets"]
    painted = pixels(first["path"])
    inside = np.hypot(*np.meshgrid(np.arange(64) - 31.5, np.arange(64) - 31.5)) <= 16
    assert np.array_equal(painted[~inside], photo()[~inside]), "what the mask closes is the photo's own"
    assert not np.array_equal(painted[inside], photo()[inside])
    verified = cli(studio.root, "verify", first["id"], "--json")
    assert verified.code == 0, verified.err

    again = cli(studio.root, "render", "a man", "--image", first["id"], "--extend", "right=32", "--json")
    assert again.code == 0, again.err
    (second,) = again.document["assets"]
    assert second["recipe"]["source"]["picture"] == first["file_hash"], "lineage goes through the asset"
    assert np.array_equal(pixels(second["path"])[:, :64], painted)
    shown = cli(studio.root, "show", second["id"], "--json").document["asset"]
    parents = {edge["parent"] for edge in shown["lineage"]}
    assert {first["file_hash"], first["recipe"]["source"]["picture"]} <= parents


def test_a_sweep_keeps_its_beginning_and_goes_on(cli: Cli, studio: Studio, tmp_path: Path) -> None:
    write_picture(tmp_path / "photo.png", photo())
    arguments = (
        "sweep", "a woman", "--seed", "1,2", "--image", str(tmp_path / "photo.png"), "--denoise", "0.5",
        "--variation-seed", "9", "--variation-strength", "0.3", "--json",
    )  # fmt: skip
    first = cli(studio.root, *arguments)
    assert first.code == 0, first.err
    assert first.document["series"]["rendered"] == 2
    second = cli(studio.root, *arguments)
    assert second.document["series"]["rendered"] == 0
    assert second.document["series"]["name"] == first.document["series"]["name"]


def test_lines_steer_a_picture_in_python(tmp_path: Path, bases: dict[str, Path]) -> None:
    base = family_of(bases["tiny"]).describe(bases["tiny"], "tiny")
    folder = write_random_control(base, tmp_path / "control")
    root = tmp_path / "workspace"
    make_workspace(root, bases["tiny"])
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[controls.mine]\nfolder = "{folder}"\nkind = "line"\n')
    write_picture(tmp_path / "sketch.png", photo())
    ws = duktus.open(root)
    (plain,) = ws.render("a woman", seed=1)
    (steered,) = ws.render("a woman", seed=1, controls=f"line:{tmp_path / 'sketch.png'}:0.7:0-0.8")
    (control,) = steered.recipe.controls
    assert (control.name, control.weight, control.end) == ("mine", 0.7, 0.8)
    assert not np.array_equal(pixels(ws.path(plain)), pixels(ws.path(steered)))
    assert ws.verify(steered).identical
    (large,) = ws.render("a woman", seed=1, hires="2x", hires_denoise=0.4)
    assert pixels(ws.path(large)).shape == (128, 128, 3)
    assert ws.verify(large).identical


def test_an_adapter_holds_a_picture_and_what_does_not_fit_is_passed_by_or_refused(
    cli: Cli, tmp_path: Path, bases: dict[str, Path]
) -> None:
    wrong = write_random_adapter(tmp_path / "wrong", channels=[32, 64], num_res_blocks=1)
    right = write_random_adapter(tmp_path / "right", channels=[32, 48], num_res_blocks=1)
    file = right / "diffusion_pytorch_model.safetensors"
    root = tmp_path / "workspace"
    make_workspace(root, bases["tiny"])
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        for name, place in (("wrong", wrong), ("right", right), ("file", file)):
            settings.write(f'\n[controls.{name}]\nfolder = "{place}"\nkind = "line"\n')
    write_picture(tmp_path / "sketch.png", photo())
    sketch = tmp_path / "sketch.png"
    asked = (root, "sweep", "a woman", "--seed", "1", "--steps", "2", "--control-weight", "0,1", "--json")
    done = cli(*asked, "--control", f"line:{sketch}:1:0-0.9")
    assert done.code == 0, done.err
    first, second = done.document["series"]["assets"]
    (control,) = second["recipe"]["controls"]
    assert (control["name"], control["end"]) == ("right", 0.9), "the first of its kind that fits"
    assert not np.array_equal(pixels(first["path"]), pixels(second["path"]))
    assert cli(root, "verify", second["id"]).code == 0
    again = cli(*asked, "--control", f"line@file:{sketch}:1:0-0.9").document["series"]["assets"][1]
    assert np.array_equal(pixels(again["path"]), pixels(second["path"])), "its file alone is the same adapter"
    named = duktus.open(root).render("a woman", seed=1, steps=2, controls=f"line@right:{sketch}:1:0-0.9")
    assert [one.id for one in named] == [second["id"]]
    refused = cli(*asked, "--control", f"line@wrong:{sketch}")
    assert refused.code == 2
    assert "does not fit tiny" in refused.err


def test_a_reference_is_looked_at_named_and_proven(cli: Cli, tmp_path: Path, bases: dict[str, Path]) -> None:
    base = family_of(bases["tiny"]).describe(bases["tiny"], "tiny")
    file = write_random_reference(base, tmp_path / "ip.safetensors", plus=True)
    encoder = write_random_encoder(tmp_path / "image_encoder")
    write_picture(tmp_path / "muse.png", photo(90, 70))
    root = tmp_path / "workspace"
    make_workspace(root, bases["tiny"])
    refused = cli(root, "render", "a woman", "--seed", "1", "--reference", str(tmp_path / "muse.png"))
    assert refused.code == 2
    assert "[references.my-adapter]" in refused.err
    with (root / "duktus.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[references.muse]\nfile = "{file}"\nencoder = "{encoder}"\n')
    done = cli(
        root, "sweep", "a woman", "--seed", "1", "--reference", f"{tmp_path / 'muse.png'}",
        "--reference-weight", "0,0.4,1", "--name", "muses", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = done.document["series"]["assets"]
    assert [one["recipe"]["references"][0]["weight"] for one in found] == [0, 0.4, 1]
    plain = cli(root, "render", "a woman", "--seed", "1", "--json").document["assets"][0]
    assert "references" not in plain["recipe"]
    shown = [pixels(one["path"]) for one in found]
    assert np.array_equal(shown[0], pixels(plain["path"])), "at weight 0 it is as if there were none"
    assert not np.array_equal(shown[1], shown[2])

    ws = duktus.open(root)
    last = found[2]
    muse = last["recipe"]["references"][0]["picture"]
    lineage = cli(root, "show", last["id"], "--json").document["asset"]["lineage"]
    assert muse in {edge["parent"] for edge in lineage}
    with Image.open(root / "archive" / "store" / muse[:2] / muse[2:]) as kept:
        assert np.array_equal(np.asarray(kept), photo(90, 70)), "the archive keeps what was looked at"
    told = cli(root, "show", last["path"], "--json")
    assert muse in told.out, "the picture file names it"
    assert ws.verify(last["id"]).identical
    (again,) = ws.render("a woman", seed=1, references=f"muse@{tmp_path / 'muse.png'}:1")
    assert again.id == last["id"]


def test_a_base_for_inpainting_paints_new_room_and_nothing_else(
    cli: Cli, tmp_path: Path, bases: dict[str, Path]
) -> None:
    within = write_tiny_base(tmp_path / "within", channels=(32, 48), latent_channels=4, inpainting=True)
    root = tmp_path / "workspace"
    make_workspace(root, bases["tiny"])
    added = cli(root, "base", "add", str(within), "--name", "within", "--json")
    assert added.code == 0, added.err
    assert "inpainting" in added.out
    refused = cli(root, "render", "a woman", "--base", "within", "--seed", "1")
    assert refused.code == 2
    assert "only paints within pictures" in refused.err
    write_picture(tmp_path / "photo.png", photo())
    done = cli(
        root, "render", "a woman", "--base", "within", "--seed", "1", "--steps", "3",
        "--image", str(tmp_path / "photo.png"), "--extend", "right=32", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    (asset,) = done.document["assets"]
    assert asset["recipe"]["source"]["denoise"] == 1
    assert np.array_equal(pixels(asset["path"])[:, :64], photo())


def test_a_draft_says_how_far_it_is_from_proof(cli: Cli, studio: Studio) -> None:
    first = cli(studio.root, "render", "a woman", "--seed", "1", "--draft", "--json")
    assert first.code == 0, first.err
    (asset,) = first.document["assets"]
    assert asset["recipe"]["numerics"]["lane"] == "draft"
    shown = cli(studio.root, "show", asset["id"], "--json").document["asset"]
    draft = shown["facts"]["draft"]
    said = "as proof" if draft["psnr"] is None else f"draft, {draft['psnr']:.1f} dB from proof"
    assert said in cli(studio.root, "render", "a woman", "--seed", "1", "--draft").out
    (same,) = duktus.open(studio.root).render("a woman", seed=1, draft=True)
    assert same.id == asset["id"]
    assert same.facts.draft is not None
    assert same.facts.draft.psnr == draft["psnr"]
    assert draft["recipe"] == asset["recipe_id"]
    (proof,) = cli(studio.root, "render", "a woman", "--seed", "1", "--json").document["assets"]
    far = np.square(pixels(asset["path"]).astype(float) - pixels(proof["path"])).mean()
    if draft["psnr"] is None:
        assert far == 0
    else:
        assert abs(10 * np.log10(255**2 / far) - draft["psnr"]) < 0.01
    assert cli(studio.root, "show", proof["id"], "--json").document["asset"]["facts"]["draft"] is None
    damaged = studio.root / "damaged.png"
    with Image.open(asset["path"]) as picture:
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("duktus", picture.info["duktus"])
        Image.fromarray(255 - np.asarray(picture)).save(damaged, pnginfo=texts)
    assert "only proof promises them" in cli(studio.root, "verify", str(damaged)).out
    second = cli(studio.root, "sweep", "a man", "--seed", "2,3", "--draft", "--json").document["series"]
    for one in second["assets"]:
        facts = cli(studio.root, "show", one["id"], "--json").document["asset"]["facts"]
        assert facts["draft"] == draft, "of this kind it was measured already"
