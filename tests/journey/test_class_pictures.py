"""``style teach --prior``: the base draws its class, what was drawn stays, and the style says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journey.conftest import STYLE, Studio
from tests.support.portfolio import TRIGGER, write_pictures
from tests.support.workspaces import Ran, rows

import duktus
from duktus.actions.progress import Silent
from duktus.actions.teaching.class_pictures import drawn_class
from duktus.domain.style import TeachSettings
from duktus.families.registry import family_of
from duktus.rendering.files import read_recipe

Cli = Callable[..., Ran]
CLASS = "a portrait of a woman"
TEACH = ("style", "teach", "pictures", "--name", "kept", "--trigger", TRIGGER, "--steps", "2")


def test_the_base_draws_the_class_it_is_to_keep(cli: Cli, studio: Studio) -> None:
    write_pictures(studio.root / "pictures", 4)
    ran = cli(studio.root, *TEACH, "--prior", CLASS, "--prior-count", "4", "--prior-weight", "0.5", "--json")
    assert ran.code == 0, ran.err
    assert f"Drawing 4 class pictures of '{CLASS}'" in ran.err
    drawn = sorted((studio.root / "runs" / "kept" / "class").iterdir())
    recipes = [read_recipe(file) for file in drawn]
    assert {recipe.seed for recipe in recipes if recipe} == {1, 2, 3, 4}
    assert all(recipe and recipe.prompt == CLASS and not recipe.adapters for recipe in recipes)
    shown = cli(studio.root, "style", "show", "kept", "--json").document["style"]
    assert shown["settings"]["prior"] == CLASS
    assert shown["settings"]["prior_weight"] == 0.5
    assert len(shown["class_pictures"]) == 4
    assert "class" in shown["measures"]
    assert CLASS in cli(studio.root, "style", "show", "kept").out
    # And as lineage: they are not what the hand was taught from.
    workspace = duktus.open(studio.root)
    picture = workspace.render(f"{TRIGGER}, a woman", style="kept", seed=1)[0]
    edges = cli(studio.root, "show", picture.id, "--json").document["asset"]["lineage"]
    kinds = [edge["kind"] for edge in edges if edge["parent"] in shown["class_pictures"]]
    assert kinds == ["taught beside"] * 4


def test_what_is_drawn_stays_and_what_is_missing_or_damaged_is_drawn_the_same(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    base = family_of(bases["tiny"]).describe(bases["tiny"], "tiny")
    settings = TeachSettings(
        trigger=TRIGGER, steps=1, learning_rate=1e-3, resolution=64, prior=CLASS, prior_count=5
    )

    class Impatient(Silent):
        """Stops once two pictures are there."""

        def stopped(self) -> bool:
            return len([*tmp_path.glob("*.png")]) >= 2

    with pytest.raises(KeyboardInterrupt):
        drawn_class(base, settings, tmp_path, Impatient(), device="cpu", batch=2)
    before = {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in tmp_path.iterdir()}
    assert len(before) == 2
    found = drawn_class(base, settings, tmp_path, Silent(), device="cpu", batch=4)
    assert [one.caption for one in found.pictures] == [CLASS] * 5
    assert (
        before.items()
        <= {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in tmp_path.iterdir()}.items()
    )
    whole = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    first, second, *_ = sorted(tmp_path.iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])
    assert drawn_class(base, settings, tmp_path, Silent(), device="cpu", batch=1) == found
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == whole


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--prior", f"a portrait by {TRIGGER}"], "names the trigger word"),
        (["--prior-count", "9"], "not named"),
        (["--prior-pictures", "pictures"], "not named"),
        (["--prior", CLASS, "--prior-pictures", "nowhere"], "is not a folder"),
        (["--prior", CLASS, "--prior-pictures", "pictures"], "Class pictures show what the base draws"),
        (["--neutral", "a woman"], "but no self-prior"),
        (["--self-prior", "1", "--neutral", f"a {TRIGGER}"], "names the trigger word"),
        (["--prior", CLASS, "--prior-weight", "0"], "prior_weight 0.0 cannot be used"),
        (["--prior", CLASS, "--prior-count", "1"], "prior_count 1 cannot be used"),
    ],
)
def test_a_class_that_cannot_be_kept_is_refused_before_anything_is_drawn(
    cli: Cli, studio: Studio, arguments: list[str], words: str
) -> None:
    write_pictures(studio.root / "pictures", 4)
    before = rows(studio.root)
    ran = cli(studio.root, *TEACH, *arguments)
    assert ran.code == 2, ran.err
    assert words in ran.err
    assert rows(studio.root) == before
    assert not (studio.root / "runs" / "kept").exists()
    assert (studio.root / "runs" / STYLE).exists()
