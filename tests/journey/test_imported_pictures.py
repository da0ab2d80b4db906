"""Pictures of other programs among our own: found, decided about, collected, compared, gone on from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.journey.conftest import new_workspace
from tests.support.workspaces import Ran
from tools.foreign_pictures.written import NAMES, picture_of, png

import duktus
from duktus.domain.errors import InputError, NotFoundError

Cli = Callable[..., Ran]

KNOWN_BASE = """harbor at dusk, (gouache:1.2)
Negative prompt: blurry
Steps: 2, Sampler: DPM++ 3M SDE, Schedule type: Karras, CFG scale: 0.5, Seed: 7, Size: 64x72, Model: tiny, \
Clip skip: 2, Variation seed: 9, Variation seed strength: 0.2, \
Distilled CFG Scale: 3.5, RNG: CPU, Version: v1.10.1"""


@pytest.fixture
def root(tmp_path: Path, bases: dict[str, Path]) -> Path:
    """A workspace into which one picture of every program was imported, and one that says nothing."""
    root = new_workspace(tmp_path / "workspace", bases)
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    for number, name in enumerate(NAMES):
        (outputs / f"{number}-{Path(name).stem}.png").write_bytes(picture_of(name, number))
    (outputs / "8-plain.png").write_bytes(png(seed=8))
    (outputs / "9-known.png").write_bytes(png({"parameters": KNOWN_BASE}, seed=9))
    duktus.open(root).import_pictures(outputs)
    return root


def _found(cli: Cli, root: Path, *arguments: str) -> list[Any]:
    ran = cli(root, "search", *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.document["search"]["pictures"]


def test_they_are_found_decided_about_and_collected(cli: Cli, root: Path) -> None:
    assert len(_found(cli, root)) == len(_found(cli, root, "--tool", "imported")) == len(NAMES) + 2
    assert _found(cli, root, "--tool", "here") == []
    (silent,) = _found(cli, root, "--tool", "unknown")
    assert (silent["recipe"], silent["foreign"]) == (None, None)
    (comfy, *_) = _found(cli, root, "harb*", "--tool", "comfyui")
    assert comfy["foreign"]["tool"] == "ComfyUI"
    assert (
        len(_found(cli, root, "harbor", "--cfg", "5.5", "--sampler", "DPM++ 2M", "--style", "atelier-v3")) > 2
    )
    (known,) = _found(cli, root, "--sampler", "DPM++ 3M SDE", "--seed", "7", "--base", "tiny")
    assert cli(root, "search", "--sampler", "DPM++ 4M").code == 2
    assert cli(root, "search", "--tool", "ComfyU").err.count("ComfyUI") >= 1
    assert known["id"] in cli(root, "search", "--tool", "A1111").out

    assert cli(root, "keep", known["id"], "--reason", "the light").code == 0
    assert cli(root, "rate", known["id"], comfy["path"], "4").code == 0
    assert cli(root, "label", comfy["id"][:10], "green").code == 0
    assert cli(root, "discard", silent["id"]).code == 0
    assert [one["id"] for one in _found(cli, root, "--decision", "keep")] == [known["id"]]
    assert [one["id"] for one in _found(cli, root, "--stars", "4..", "--label", "green")] == [comfy["id"]]
    assert cli(root, "undo").out.split()[-1] == silent["id"]
    shown = cli(root, "show", known["id"], "--json").document["asset"]
    assert (shown["standing"]["verdict"], shown["standing"]["stars"]) == ("keep", 4)
    assert [event["reason"] for event in shown["history"]] == ["the light", ""]
    assert "the light" in cli(root, "show", known["id"]).out

    wall = cli(root, "collection", "add", "wall", known["id"], silent["id"], comfy["id"], "--json").document
    assert [one["id"] for one in wall["collection"]["pictures"]] == [known["id"], silent["id"], comfy["id"]]
    assert "harbor at dusk" in cli(root, "collection", "show", "wall").out
    assert len(_found(cli, root, "--collection", "wall")) == 3
    diary = cli(root, "diary", "wall", "--out", "wall.md")
    assert diary.code == 0, diary.err
    told = (root / "wall.md").read_text("utf-8")
    assert "A1111" in told
    assert "an unknown program" in told
    assert "the light" in told


def test_one_goes_on_from_them_and_hears_what_did_not_map(cli: Cli, root: Path) -> None:
    (known,) = _found(cli, root, "--seed", "7")
    ran = cli(
        root, "render", "--from", known["id"], "--drop", "harbor at dusk", "--add", "a red boat", "--json"
    )
    assert ran.code == 0, ran.err
    (child,), (descent,) = ran.document["assets"], ran.document["descents"]
    recipe = child["recipe"]
    assert (recipe["base"]["name"], recipe["seed"], recipe["steps"]) == ("tiny", 7, 2)
    assert (recipe["width"], recipe["height"]) == (64, 72)
    assert recipe["variation"] == {"seed": 9, "strength": 0.2}
    assert recipe["clip_skip"] == 2
    assert recipe["prompt"] == "(gouache:1.2), a red boat"
    assert recipe["weighting"]
    assert descent["parent"] == known["id"]
    assert {one["name"] for one in descent["changes"]} == {"prompt", "sampler", "cfg"}
    notes = " ".join(ran.document["notes"])
    assert "sampler: DPM++ 3M SDE cannot be used here; DPM++ 2M is taken." in notes
    assert "cfg: 0.5 cannot be used here; 3 is taken." in notes
    assert "guidance 3.5: tiny takes none." in notes
    # Between them: what differs, and that one came from the other.
    diff = cli(root, "diff", known["id"], child["id"], "--json").document["diff"]
    assert {one["name"] for one in diff["parameters"]} == {"prompt", "sampler", "cfg"}
    assert diff["descent"]["child"] == child["id"]
    assert diff["pixels"] is None
    way = cli(root, "log", child["id"], "--json").document["log"]
    assert [one["id"] for one in way["steps"]] == [known["id"], child["id"]]
    assert "made by A1111, cfg 0.5, seed 7" in cli(root, "log", child["id"]).out
    assert cli(root, "log", child["id"], "--out", "way.svg").code == 0
    assert cli(root, "diary", child["id"], "--out", "way.html").code == 0
    assert cli(root, "verify", child["id"]).code == 0
    # A base and a style that are not here.
    (invoke,) = _found(cli, root, "--tool", "InvokeAI")
    ran = cli(root, "render", "--from", invoke["id"], "--steps", "1", "--json")
    assert ran.code == 0, ran.err
    recipe, notes = ran.document["assets"][0]["recipe"], " ".join(ran.document["notes"])
    assert (recipe["width"], recipe["height"], recipe["adapters"]) == (64, 64, [])
    assert recipe["clip_skip"] == 2
    for said in ("'sd_xl_base_1.0'", "tiny renders it", "'atelier-v3'", "it is left out", "becomes 64 x 64",
                 "seamless_x"):  # fmt: skip
        assert said in notes
    (silent,) = _found(cli, root, "--tool", "unknown")
    refused = cli(root, "render", "--from", silent["id"], "--steps", "1")
    assert refused.code == 2
    assert f"--image {silent['id']}" in refused.err


def test_the_same_from_python(root: Path) -> None:
    ws = duktus.open(root)
    (known,) = ws.search("harb*", tool="A1111", cfg=0.5).pictures
    (silent,) = ws.search(tool="unknown").pictures
    ws.keep(known, reason="the light")
    ws.rate(silent, stars=2)
    ws.label(known, colour="red")
    page = ws.search(decision="keep", label="red", order="stars")
    assert page.pictures == (known,)
    assert page.standings[known.id].verdict == "keep"
    assert ws.collect("wall", silent, known).pictures == (silent, known)
    assert ws.diff(known, silent).unknown == (silent.id,)
    assert ws.diff(known, silent).pixels is not None
    (child,) = ws.go_on(known, cfg=2.0, base="other")
    assert child.recipe.base.name == "other"
    assert [step.picture.id for step in ws.log(child).steps] == [known.id, child.id]
    with pytest.raises(InputError, match="keeps its base"):
        ws.go_on(child, cfg=3.0, base="tiny")
    (over,) = ws.render("a boat", image=silent.id, denoise=0.5, steps=1)
    assert over.recipe.source is not None
    assert [step.picture.id for step in ws.log(over).steps] == [silent.id, over.id]
    assert silent.file_hash in {edge.parent for edge in ws.show(over).lineage}
    with pytest.raises(InputError, match="made by A1111"):
        ws.verify(known)
    with pytest.raises(NotFoundError):
        ws.keep("f-0123456789abcdef")
