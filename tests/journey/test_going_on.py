"""Going on from a picture, searching, collecting: through the commands and from Python."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.journey.conftest import STYLE, Studio
from tests.support.portfolio import TRIGGER
from tests.support.workspaces import Ran, rows

import duktus
from duktus.domain.errors import InputError, NotFoundError

Cli = Callable[..., Ran]


def render(cli: Cli, studio: Studio, *arguments: str) -> dict[str, object]:
    ran = cli(studio.root, "render", *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.document


def test_a_child_remembers_its_parent_and_what_was_changed(cli: Cli, studio: Studio) -> None:
    prompt = f"{TRIGGER}, a woman, warm skin tones"
    first = render(cli, studio, prompt, "--style", f"{STYLE}:1.2", "--seed", "3")["assets"][0]
    done = render(
        cli, studio, "--from", first["id"], "--cfg", "4.4", "--strength", "1.33",
        "--swap", "warm => cool", "--add", "paper", "--aim", "a cooler ground",
    )  # fmt: skip
    (child,), (descent,) = done["assets"], done["descents"]
    assert child["recipe"]["prompt"] == f"{TRIGGER}, a woman, cool skin tones, paper"
    assert child["recipe"]["seed"] == 3
    assert (descent["parent"], descent["child"], descent["fresh"]) == (first["id"], child["id"], True)
    assert [change["name"] for change in descent["changes"]] == [f"strength of {STYLE}", "prompt", "cfg"]
    shown = cli(studio.root, "show", child["id"], "--json").document["asset"]
    kinds = {(edge["child"], edge["parent"]): edge["kind"] for edge in shown["lineage"]}
    assert kinds[child["file_hash"], first["file_hash"]] == "went on from"
    # Back to the first recipe: the picture is there already, and its origin stays what it was.
    back = render(cli, studio, prompt, "--from", child["id"], "--cfg", "3", "--strength", "1.2")
    assert [one["id"] for one in back["assets"]] == [first["id"]]
    assert back["descents"][0]["fresh"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "ASSET"], "Nothing is changed."),
        (["--from", "ASSET", "--cfg", "3"], "Nothing is changed."),
        (["--from", "ASSET", "--cfg", "0"], "cfg 0.0 cannot be used"),
        (["--from", "ASSET", "--drop", "glasses"], "'glasses' is not in the prompt."),
        (["--from", "ASSET", "--swap", "a"], "does not say what is swapped"),
        (["--from", "ASSET", "--strength", "1"], "the picture has no styles"),
        (["--from", "a-00000000", "--cfg", "5"], "No asset is known"),
        (["--cfg", "5"], "There is nothing to draw."),
        (["a woman", "--add", "red"], "no picture to go on from"),
    ],
)
def test_what_cannot_be_gone_on_with_changes_nothing(
    cli: Cli, studio: Studio, arguments: list[str], words: str
) -> None:
    first = render(cli, studio, "a woman", "--seed", "1")["assets"][0]
    before = rows(studio.root)
    ran = cli(studio.root, "render", *[first["id"] if word == "ASSET" else word for word in arguments])
    assert ran.code == 2, ran.err
    assert words in ran.err
    assert rows(studio.root) == before


def test_the_same_in_python(studio: Studio) -> None:
    ws = duktus.open(studio.root)
    (root,) = ws.render(f"{TRIGGER}, a man, glasses", style=f"{STYLE}:1.2", seed=1)
    several = ws.go_on(root, seed=[2, 3], drop="glasses", negative_add=["blur", "fog"], style=f"{STYLE}:1.3")
    assert [one.recipe.seed for one in several] == [2, 3]
    assert several[0].recipe.negative_prompt == "blur, fog"
    assert several[0].recipe.adapters[0].strength == 1.3
    with pytest.raises(InputError, match="Did you mean 'strength'"):
        ws.go_on(root, strenght=2)

    ws.keep(several[0], reason="the eyes")
    ws.label(several[1], colour="green")
    assert [one.id for one in ws.search("man -glasses", decision="keep").pictures] == [several[0].id]
    assert [one.id for one in ws.search(strength=(1.25, 1.4), label="green", save="g").pictures] == [
        several[1].id
    ]
    assert ws.search(saved="g").pictures == ws.search(label="green").pictures
    assert ws.search(style=STYLE, per_page=2).more
    assert set(ws.saved_searches()) == {"g"}
    ws.forget_search("g")
    with pytest.raises(NotFoundError, match="No search was saved as 'g'"):
        ws.search(saved="g")
    with pytest.raises(NotFoundError, match="No series is named"):
        ws.search(series="nowhere")

    ws.undo()
    assert ws.search(label="green").pictures == ()
    assert ws.redo().kind == "label"
    assert len(ws.search(label="green").pictures) == 1
    ws.undecided(several[0], reason="look again")
    with pytest.raises(NotFoundError, match="nothing to redo"):
        ws.redo()
    assert ws.show(several[0]).standing.verdict is None

    assert len(ws.collect("wall", root, several[1]).pictures) == 2
    ws.collect("wall", several[0], root)
    assert [one.id for one in ws.place("wall", several[0], 1).pictures] == [
        several[0].id, root.id, several[1].id,
    ]  # fmt: skip
    assert [one.id for one in ws.take_out("wall", root).pictures] == [several[0].id, several[1].id]
    ws.aim("wall", "a quiet wall")
    assert ws.collection("wall").aim.text == "a quiet wall"
    assert [(one.name, one.pictures) for one in ws.list_collections()] == [("wall", 2)]
    assert {one.id for one in ws.search(collection="wall").pictures} == {one.id for one in several}
    with pytest.raises(InputError, match="is not in the collection"):
        ws.take_out("wall", root)


def test_names_that_do_not_exist_change_nothing(cli: Cli, studio: Studio) -> None:
    (asset,) = render(cli, studio, "a woman", "--seed", "1")["assets"]
    before = rows(studio.root)
    for words in (
        ["collection", "add", "wall", asset["id"], "a-00000000"],
        ["collection", "add", "../wall", asset["id"]],
        ["collection", "show", "wall"],
        ["collection", "move", "wall", asset["id"], "--to", "0"],
        ["aim", "nothing", "more blue"],
        ["aim", asset["id"], " "],
        ["label", asset["id"], "pink"],
        ["label", "red"],
        ["search", "--cfg", "a..b"],
        ["search", "--saved", "nothing"],
        ["redo"],
    ):
        ran = cli(studio.root, *words)
        assert ran.code == 2, (words, ran.err)
        assert "Traceback" not in ran.err
    assert rows(studio.root) == before
