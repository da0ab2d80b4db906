"""Sweeps as a language: foreseen, written to files, extended, paused, worded from the library."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.journey.conftest import STYLE, Studio
from tests.support.portfolio import TRIGGER
from tests.support.workspaces import Ran, rows

import duktus
from duktus.actions.progress import Tick
from duktus.archive.lock import Lock
from duktus.domain.errors import ConflictError, InputError

Cli = Callable[..., Ran]


def cells(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["coordinates"] for one in document["series"]["assets"]]


def test_a_sweep_is_foreseen_kept_as_a_file_and_rendered_from_it(cli: Cli, studio: Studio) -> None:
    asked = (
        "sweep", f"{TRIGGER}, a {{man|woman}} with red hair", "--style", STYLE,
        "--strength", "0.5,1", "--cfg", "2,3", "--zip", "strength,cfg",
        "--replace", "red hair, grey hair", "--skip", "strength=1, replace=grey hair",
        "--name", "zipped",
    )  # fmt: skip
    before = rows(studio.root)
    ran = cli(studio.root, *asked, "--plan", "--save", "zipped.sweep.toml", "--json")
    assert ran.code == 0, ran.err
    foreseen = ran.document["plan"]
    assert [axis["name"] for axis in foreseen["axes"]] == ["strength + cfg", "replace red hair", "prompt"]
    assert foreseen["axes"][0]["values"] == ["0.5 + 2", "1 + 3"]
    assert (foreseen["cells"], foreseen["to_render"], foreseen["seconds"]) == (6, 6, None)
    assert foreseen["order"] == [f"tiny with {STYLE} at 64x64"]
    assert rows(studio.root) == before
    assert tomllib.loads((studio.root / "zipped.sweep.toml").read_text())["zip"] == [["strength", "cfg"]]

    done = cli(studio.root, "sweep", "--file", "zipped.sweep.toml", "--json")
    assert done.code == 0, done.err
    assert (done.document["series"]["name"], done.document["series"]["rendered"]) == ("zipped", 6)
    assert "6 cells, 6 pictures to render, time not known yet" in done.err
    assert {"strength + cfg": "1 + 3", "replace red hair": "grey hair"} not in [
        {key: one[key] for key in ("strength + cfg", "replace red hair")} for one in cells(done.document)
    ]
    again = cli(studio.root, *asked, "--plan")
    assert "6 cells, 0 pictures to render" in again.out
    for said in (again.out, cli(studio.root, "series", "show", "zipped").out):
        assert "a man with red hair | " in said, "prompts hold commas, so bars part them"
    measured = cli(studio.root, "sweep", "a dog", "--seed", "1..4", "--plan", "--json").document["plan"]
    assert measured["measured_on"] == 6
    assert measured["seconds"] > 0
    assert measured["bytes"] > 4 * 64 * 64
    for name in ("zipped.png", "zipped.html"):
        assert cli(studio.root, "sheet", "zipped", "--out", name).code == 0


def test_an_option_given_twice_is_a_list_and_marks_of_others_are_told(cli: Cli, studio: Studio) -> None:
    ran = cli(
        studio.root, "sweep", "a <lora:hand:0.8> [cat|dog]", "--cfg", "2", "--cfg", "3,4", "--seed", "1",
        "--seed", "2", "--steps", "2", "--size", "64", "--size", "72x64", "--plan", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.document["plan"]["cells"] == 3 * 2 * 2
    assert any("--style hand:0.8" in note for note in ran.document["plan"]["notes"])
    assert any("'[cat|dog]'" in note for note in ran.document["plan"]["notes"])
    assert duktus.open(studio.root).plan("a <lora:hand>", cfg=[2, 3]).plan.notes


def test_a_series_grows_without_rendering_the_old_again(cli: Cli, studio: Studio) -> None:
    first = cli(studio.root, "sweep", "a woman", "--cfg", "2,4", "--name", "grown", "--json").document
    old = {one["id"]: one["recipe_id"] for one in first["series"]["assets"]}
    further = ("sweep", "--add-to", "grown", "--cfg", "3", "--steps", "4")
    ran = cli(studio.root, *further, "--save", "grown.sweep.toml", "--json")
    assert ran.code == 0, ran.err
    said = cli(studio.root, "sweep", "--file", "grown.sweep.toml", "--plan")
    assert "6 cells, 0 pictures to render" in said.out
    series = ran.document["series"]
    assert series["axes"] == [
        {"name": "cfg", "values": [2, 3, 4]},
        {"name": "steps", "values": [3, 4]},
    ]
    assert (series["cells"], series["rendered"]) == (6, 4)
    found = {one["id"]: one for one in series["assets"]}
    assert {id_: found[id_]["recipe_id"] for id_ in old} == old
    assert [found[id_]["coordinates"] for id_ in old] == [{"cfg": 2, "steps": 3}, {"cfg": 4, "steps": 3}]
    ws = duktus.open(studio.root)
    grown = ws.extend("grown", seed=[2])
    assert len(grown.assets) == 12
    assert grown.verify().identical
    assert ws.resume("grown").assets == grown.assets
    with pytest.raises(ConflictError, match="--add-to grown"):
        ws.sweep("a woman", cfg=[2, 4], name="grown")
    assert cli(studio.root, "sheet", "grown", "--out", "grown.html").code == 0


def test_cells_of_another_meaning_are_refused(cli: Cli, studio: Studio) -> None:
    cli(studio.root, "sweep", "a woman", "--cfg", "2,4", "--name", "grown")
    before = rows(studio.root)
    for arguments, said in (
        (("--style", STYLE), "cannot be changed by an extension"),
        (("--skip", "cfg=2"), "would have no place"),
        (("--name", "other"), "--add-to alone"),
    ):
        ran = cli(studio.root, "sweep", "--add-to", "grown", *arguments, "--json")
        assert ran.code == 2
        assert said in str(ran.document["error"]), ran.err
    assert cli(studio.root, "sweep", "--add-to", "nobody", "--cfg", "2").code == 2
    assert rows(studio.root) == before


class PausesAfter:
    """Somebody in another window pauses the series once so many pictures are there."""

    def __init__(self, root: Path, pictures: int) -> None:
        self.root, self.pictures = root, pictures

    def say(self, text: str) -> None:
        """Nobody listens."""

    def tick(self, tick: Tick) -> None:
        if tick.what == "pictures" and tick.done == self.pictures:
            duktus.open(self.root).pause("paused")

    def stopped(self) -> bool:
        return False


def test_a_sweep_is_paused_from_elsewhere_and_resumed(
    cli: Cli, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUKTUS_BATCH", "1")
    watched = duktus.open(studio.root, progress=PausesAfter(studio.root, 2))
    paused = watched.sweep("a woman", seed=[1, 2, 3, 4], name="paused")
    assert 2 <= len(paused.assets) < 4
    ran = cli(studio.root, "series", "resume", "paused", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["series"]["rendered"] == 4 - len(paused.assets)
    assert not ran.document["series"]["paused"]
    refused = cli(studio.root, "series", "pause", "paused")
    assert refused.code == 2
    assert "Nobody is rendering" in refused.err
    with Lock(studio.root / "archive" / "locks" / "series-paused.lock", "it"):
        assert cli(studio.root, "series", "pause", "paused").code == 0


def test_bases_are_an_axis_and_rendered_one_after_the_other(cli: Cli, studio: Studio) -> None:
    ran = cli(
        studio.root, "sweep", "a woman", "--base", "tiny|other", "--seed", "1,2", "--name", "both", "--json"
    )
    assert ran.code == 0, ran.err
    assert ran.document["series"]["axes"][0] == {"name": "base", "values": ["tiny", "other"]}
    assert [one["recipe"]["base"]["name"] for one in ran.document["series"]["assets"]] == [
        "tiny", "tiny", "other", "other",
    ]  # fmt: skip
    assert ran.document["series"]["notes"] == []
    assert [line for line in ran.err.splitlines() if line.startswith("Loading")] == [
        "Loading tiny.",
        "Loading other.",
    ]


def test_weighted_words_change_the_picture_and_plain_ones_do_not(studio: Studio) -> None:
    ws = duktus.open(studio.root)
    series = ws.sweep(["a red hat", "a (red:1.6) hat", "a (red:1.0) hat"], name="weighted")
    plain, weighted, one = series.assets
    assert (plain.recipe.weighting, weighted.recipe.weighting) == (None, "a1111")
    assert weighted.pixel_hash != plain.pixel_hash
    assert one.pixel_hash == plain.pixel_hash
    assert ws.verify(weighted).identical


def test_snippets_remember_which_pictures_used_them(cli: Cli, studio: Studio) -> None:
    root = studio.root
    assert cli(root, "prompts", "add", "light", "soft (light:1.2)", "--kind", "light").code == 0
    add = ("prompts", "add", "acme", "blue, green", "--kind", "negative", "--brand", "ACME")
    assert cli(root, *add).code == 0
    assert cli(root, *add).code == 2
    nested = cli(root, "prompts", "add", "both", "<snippet:light>, grey", "--json").document["snippet"]
    assert nested["text"] == "<snippet:light@1>, grey"

    ran = cli(
        root, "sweep", "a woman, {<snippet:light>|<snippet:both>|smiling}", "--negative", "<snippet:acme>",
        "--name", "worded", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    made = ran.document["series"]["assets"]
    assert [one["recipe"]["prompt"] for one in made] == [
        "a woman, soft (light:1.2)", "a woman, soft (light:1.2), grey", "a woman, smiling",
    ]  # fmt: skip
    assert {one["recipe"]["negative_prompt"] for one in made} == {"blue, green"}

    used = cli(root, "prompts", "used", "light", "--json").document["used"]
    assert [(one["id"], one["version"], one["series"]) for one in used] == [
        (made[0]["id"], 1, ["worded"]),
        (made[1]["id"], 1, ["worded"]),
    ]
    changed = cli(root, "prompts", "change", "light", "hard light")
    assert changed.code == 0
    assert "2 pictures made with an earlier version" in changed.out
    ws = duktus.open(root)
    assert [one.snippet.name for one in ws.snippets(brand="ACME")] == ["acme"]
    assert ws.snippets(kind="negative")[0].pictures == 3
    extended = ws.extend("worded", seed=[2])
    assert {one.recipe.prompt for one in extended.assets} == {one["recipe"]["prompt"] for one in made}
    (asset,) = ws.render("a man, <snippet:light>", seed=3)
    assert asset.recipe.prompt == "a man, hard light"
    shown = ws.snippet("light")
    assert [one.text for one in shown.versions] == ["soft (light:1.2)", "hard light"]
    assert [one.version for one in shown.uses if one.asset_id == asset.id] == [2]
    assert len(shown.uses) == 5
    assert any(edge.kind == "worded with" for edge in ws.show(asset).lineage)
    with pytest.raises(InputError, match="has alternatives"):
        ws.add_snippet("x", "{a|b}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to draw"),
        (("--file", "no.sweep.toml"), "There is no file"),
        (("a {b",), "never closed"),
        (("a __b__",), "no list 'b'"),
        (("a", "--replace", "x"), "put in place"),
        (("a", "--draw", "0"), "draw 0 is too small"),
        (("a", "--zip", "cfg"), "cannot be zipped"),
        (("a", "--base", "nowhere"), "No base is named"),
        (("a <snippet:none>",), "No snippet is named"),
        (("a", "--save", "x.toml"), "does not end in .sweep.toml"),
        (("a", "--add-to", "b", "--name", "c"), "--add-to alone"),
    ],
)
def test_what_cannot_be_swept_is_said_and_nothing_is_begun(
    cli: Cli, studio: Studio, arguments: tuple[str, ...], said: str
) -> None:
    before = rows(studio.root)
    ran = cli(studio.root, "sweep", *arguments, "--json")
    assert ran.code == 2
    assert said in str(ran.document["error"])
    assert rows(studio.root) == before


def test_a_sweep_file_says_everything(cli: Cli, studio: Studio) -> None:
    (studio.root / "a.sweep.toml").write_text('sweep = 1\nprompt = "a"\nsed = 1\n', encoding="utf-8")
    ran = cli(studio.root, "sweep", "--file", "a.sweep.toml")
    assert ran.code == 2
    assert "a.sweep.toml, line 3, sed" in ran.err
    beside = cli(studio.root, "sweep", "--file", "a.sweep.toml", "--cfg", "3")
    assert "cfg was given beside a sweep file" in beside.err


def test_a_series_is_verified_whole(cli: Cli, studio: Studio) -> None:
    made = cli(
        studio.root,
        "sweep",
        f"{TRIGGER}, a woman",
        "--style",
        STYLE,
        "--strength",
        "0,1",
        "--name",
        "two",
        "--json",
    ).document["series"]["assets"]
    ran = cli(studio.root, "verify", "two", "--json")
    assert ran.code == 0, ran.err
    found = ran.document["verify"]
    assert (found["series"], found["identical"], found["facts"]) == ("two", True, [])
    assert [one["asset"] for one in found["pictures"]] == [one["id"] for one in made]
    assert "2 pictures rendered again, every pixel is identical" in cli(studio.root, "verify", "two").out

    path = studio.root / "archive" / "archive.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        facts = json.loads(
            connection.execute("SELECT facts FROM assets WHERE id = ?", (made[0]["id"],)).fetchone()[0]
        )
        facts["versions"]["torch"] = "1.0"
        changed = (json.dumps(facts), "0" * 64, made[0]["id"])
        connection.execute("UPDATE assets SET facts = ?, pixel_hash = ? WHERE id = ?", changed)
    ran = cli(studio.root, "verify", "two")
    assert ran.code == 2
    assert "1 of 2 pictures are identical" in ran.out
    assert f"{made[0]['id']}: not identical" in ran.out
    assert "torch version was 1.0, here it is" in ran.out
