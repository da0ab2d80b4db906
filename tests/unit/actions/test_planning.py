"""From requests to recipes, without rendering any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.workspaces import BASE, make_workspace, style

from duktus.actions.names import checked_name, slug
from duktus.actions.prompt_library import add_snippet, change_snippet
from duktus.actions.recipes.planning import MAX_CELLS, plan
from duktus.actions.recipes.request import Request
from duktus.actions.sweeping.begun_series import series_name
from duktus.actions.sweeping.sweep_file import parse, written
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.domain.base import Base
from duktus.domain.errors import ConflictError, InputError, MismatchError, NotFoundError, StorageError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import Style


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose base needs no files."""

    def base(self: Workspace, name: str | None = None) -> Base:
        return BASE

    monkeypatch.setattr(Workspace, "base", base)
    return make_workspace(tmp_path)


@pytest.fixture
def hand(workspace: Workspace) -> Style:
    kept = workspace.store.put(b"tensors")
    one = style().model_copy(update={"file_hash": kept})
    with workspace.archive.write() as connection:
        styles.add(connection, BASE, one)
    return one


def test_a_plain_prompt_takes_the_defaults_of_its_base(workspace: Workspace) -> None:
    made = plan(workspace, Request(("a woman",)))
    (recipe,) = made.recipes
    assert made.axes == ()
    assert made.coordinates == ((),)
    assert (recipe.steps, recipe.cfg, recipe.width) == (4, 3.0, 64)
    assert recipe.adapters == ()
    assert recipe.base == BASE.ref


def test_guidance_is_an_axis_of_its_own_and_absent_where_nobody_asks(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (plain,) = plan(workspace, Request(("a woman",))).recipes
    assert plain.guidance is None
    assert "guidance" not in plain.as_json()
    with pytest.raises(InputError, match="takes no guidance"):
        plan(workspace, Request(("a woman",), guidances=(2.5,)))
    render = BASE.render.model_copy(update={"guidance": 3.5, "sampler": "Euler", "cfg": 1.0})
    dev = BASE.model_copy(update={"family": "flux", "render": render})
    monkeypatch.setattr(Workspace, "base", lambda *_: dev)
    assert plan(workspace, Request(("a woman",))).recipes[0].guidance == 3.5
    made = plan(workspace, Request(("a woman",), guidances=(2.5, 3.5)))
    assert [axis.name for axis in made.axes] == ["guidance"]
    assert [recipe.guidance for recipe in made.recipes] == [2.5, 3.5]


def test_what_the_base_cannot_render_is_refused_before_a_series_begins(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="DDIM has no Karras schedule"):
        plan(workspace, Request(("a woman",), samplers=(Sampler.DDIM,), schedules=(Schedule.KARRAS,)))


def test_axes_are_laid_row_by_row_seeds_last(workspace: Workspace, hand: Style) -> None:
    request = Request(
        ("sportrait-laz, a woman",),
        styles=(("hand", 1.0),),
        strengths=(0, 1),
        cfgs=(3, 4),
        seeds=(7, 8),
        sizes=((64, 64), (64, 128)),
        samplers=(Sampler.EULER,),
    )
    made = plan(workspace, request)
    assert [axis.name for axis in made.axes] == ["strength", "cfg", "size", "seed"]
    assert made.axes[2].values == ("64x64", "64x128")
    assert made.coordinates[:3] == ((0, 3, "64x64", 7), (0, 3, "64x64", 8), (0, 3, "64x128", 7))
    assert len(made.recipes) == 16
    last = made.recipes[-1]
    assert (last.adapters[0].strength, last.cfg, last.height, last.seed) == (1, 4, 128, 8)
    assert made.style_files == {hand.hash: workspace.store.path(hand.file_hash)}
    assert made.notes == ()


def test_the_plan_is_the_same_for_the_same_request_only(workspace: Workspace) -> None:
    one = Request(("a",), cfgs=(3, 4))
    assert plan(workspace, one).hash == plan(workspace, one).hash
    assert plan(workspace, one).hash != plan(workspace, replace(one, cfgs=(4, 3))).hash


def test_a_missing_trigger_is_noted(workspace: Workspace, hand: Style) -> None:
    request = Request(("a woman", "Sportrait-LAZ, a man"), styles=(("hand", 1.0),))
    (note,) = plan(workspace, request).notes
    assert note.startswith("1 of 2 prompts do not contain 'sportrait-laz'")


def test_strength_needs_exactly_one_style(workspace: Workspace, hand: Style) -> None:
    with pytest.raises(InputError, match="no styles"):
        plan(workspace, Request(("a",), strengths=(1,)))
    both = plan(workspace, Request(("a",), styles=(("hand", 0.4),)))
    assert both.recipes[0].adapters[0].strength == 0.4


def test_a_style_of_another_family_names_the_way_out(workspace: Workspace) -> None:
    foreign = BASE.model_copy(update={"name": "elsewhere", "weights": "f" * 64, "family": "sdxl"})
    with workspace.archive.write() as connection:
        styles.add(connection, foreign, style(base=foreign))
    with pytest.raises(MismatchError, match=r"another family.*--base elsewhere"):
        plan(workspace, Request(("a",), styles=(("hand", 1.0),)))


def test_a_style_whose_file_is_gone_or_damaged_is_told(workspace: Workspace, hand: Style) -> None:
    request = Request(("a",), styles=(("hand", 1.0),))
    kept = workspace.store.path(hand.file_hash)
    kept.chmod(0o644)
    kept.write_bytes(b"other")
    with pytest.raises(StorageError, match="damaged"):
        plan(workspace, request)
    kept.unlink()
    with pytest.raises(StorageError, match="missing"):
        plan(workspace, request)
    with pytest.raises(NotFoundError):
        plan(workspace, Request(("a",), styles=(("nobody", 1.0),)))


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (Request(("a",), cfgs=(0.5,)), "cfg 0.5"),
        (Request(("a",), steps=(0,)), "steps 0"),
        (Request(("a",), seeds=(2**32,)), "seed 4294967296"),
        (Request(("a",), seeds=tuple(range(MAX_CELLS + 1))), "cells"),
    ],
)
def test_values_out_of_bounds(workspace: Workspace, request_: Request, word: str) -> None:
    with pytest.raises(InputError, match=word):
        plan(workspace, request_)


def test_names_are_file_names() -> None:
    assert checked_name("style", "sportrait-laz_2.1") == "sportrait-laz_2.1"
    for wrong in ("", ".", "..", "a/b", "../x", "a b", "-a", "ä", "x" * 65, "a.", "a\n"):
        with pytest.raises(InputError, match="cannot name a style"):
            checked_name("style", wrong)
    assert slug("Ein Porträt, von Lázár!", 14) == "ein-portrat-vo"
    assert slug("木") == ""


def test_series_have_names_of_their_own(workspace: Workspace) -> None:
    made = plan(workspace, Request(("A woman, smiling",)))
    assert series_name(made, None) == f"a-woman-smiling-{made.hash[:8]}"
    with pytest.raises(ConflictError):
        series_name(made, "single")


def test_several_styles_have_an_axis_each(workspace: Workspace, hand: Style) -> None:
    kept = workspace.store.put(b"other tensors")
    other = style("ink", tensors="ink").model_copy(update={"file_hash": kept})
    with workspace.archive.write() as connection:
        styles.add(connection, BASE, other)
    request = Request(
        ("sportrait-laz",),
        styles=(("hand", 1.0), ("ink", 0.3)),
        style_strengths=(("hand", (0.5, 1.0)),),
    )
    made = plan(workspace, request)
    assert [(axis.name, axis.values) for axis in made.axes] == [("strength of hand", (0.5, 1.0))]
    assert [[one.strength for one in recipe.adapters] for recipe in made.recipes] == [[0.5, 0.3], [1.0, 0.3]]
    with pytest.raises(InputError, match="'nobody', which is not used"):
        plan(workspace, replace(request, style_strengths=(("nobody", (1.0,)),)))


def test_zipped_axes_go_value_by_value(workspace: Workspace) -> None:
    request = Request(("a",), cfgs=(3, 4), steps=(10, 20), seeds=(1, 2), zipped=(("steps", "cfg"),))
    made = plan(workspace, request)
    assert [(axis.name, axis.values) for axis in made.axes] == [
        ("steps + cfg", ("10 + 3", "20 + 4")),
        ("seed", (1, 2)),
    ]
    assert [(one.cfg, one.steps, one.seed) for one in made.recipes] == [
        (3, 10, 1), (3, 10, 2), (4, 20, 1), (4, 20, 2),
    ]  # fmt: skip
    for zipped, said in (
        ((("cfg", "seed", "steps"), ("cfg", "steps")), "zipped twice"),
        ((("cfg", "sampler"),), "cfg has 2, sampler has 1"),
        ((("cfg", "stepz"),), "'stepz', which is no axis"),
    ):
        with pytest.raises(InputError, match=said):
            plan(workspace, replace(request, zipped=zipped))


def test_cells_can_be_left_out(workspace: Workspace) -> None:
    request = Request(("a",), cfgs=(3, 4), seeds=(1, 2), skipped=((("cfg", "4.0"), ("seed", "2")),))
    assert plan(workspace, request).coordinates == ((3, 1), (3, 2), (4, 1))
    with pytest.raises(InputError, match=r"'cfg=5' leaves out nothing"):
        plan(workspace, replace(request, skipped=((("cfg", "5"),),)))
    with pytest.raises(InputError, match="Every cell"):
        plan(workspace, replace(request, skipped=((("cfg", "3"),), (("cfg", "4"),))))


def test_search_and_replace_works_on_both_prompts(workspace: Workspace) -> None:
    request = Request(
        ("a red hat, red hair",),
        negatives=("red nose",),
        replacements=(("red", "blue"), ("hat", "cap")),
    )
    made = plan(workspace, request)
    assert [axis.name for axis in made.axes] == ["replace red", "replace hat"]
    assert made.axes[0].values == ("red", "blue")
    assert [(one.prompt, one.negative_prompt) for one in made.recipes] == [
        ("a red hat, red hair", "red nose"),
        ("a red cap, red hair", "red nose"),
        ("a blue hat, blue hair", "blue nose"),
        ("a blue cap, blue hair", "blue nose"),
    ]
    with pytest.raises(InputError, match="neither prompt has it"):
        plan(workspace, replace(request, replacements=(("green", "blue"),)))


def test_alternatives_make_an_axis_of_prompts(workspace: Workspace) -> None:
    folder = workspace.root / "wildcards" / "hair"
    folder.mkdir(parents=True)
    (folder / "long.txt").write_text("# long hair\nbraid\n\nplait\n", encoding="utf-8")
    made = plan(workspace, Request(("a {man|woman}, __hair/long__", "a dog")))
    assert made.axes[0].values == (
        "a man, braid", "a man, plait", "a woman, braid", "a woman, plait", "a dog",
    )  # fmt: skip
    drawn = plan(workspace, Request(("a {man|woman}, __hair/long__",), draw=2, wildcard_seed=3))
    assert {one.prompt for one in drawn.recipes} < set(made.axes[0].values)
    own = Request(("__hair/long__",), lists=(("hair/long", ("bun",)),))
    assert plan(workspace, own).recipes[0].prompt == "bun"
    (folder / "long.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not text"):
        plan(workspace, Request(("__hair/long__",)))


def test_brackets_are_weights_where_the_family_can(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plan(workspace, Request(("a (red:1.2) hat",))).recipes[0].weighting == "a1111"
    assert plan(workspace, Request(("a hat",), negatives=("[blur]",))).recipes[0].weighting == "a1111"
    assert plan(workspace, Request(("a hat",))).recipes[0].weighting is None
    monkeypatch.setattr("duktus.actions.recipes.weights.family", lambda _: object())
    assert plan(workspace, Request(("a hat (red)",))).recipes[0].weighting is None
    with pytest.raises(InputError, match=r"tiny cannot weight words: '\(red:1.2\)'"):
        plan(workspace, Request(("a (red:1.2) hat",)))


def test_a_request_written_out_plans_the_same(workspace: Workspace, hand: Style) -> None:
    add_snippet(workspace, "light", "soft (light:1.2)", kind="light")
    request = Request(
        ("sportrait-laz, a {man|woman}, <snippet:light>", "sportrait-laz, {x|y} \\{z\\}"),
        styles=(("hand", 1.0),),
        strengths=(0, 1),
        cfgs=(3, 4),
        steps=(10, 20),
        zipped=(("cfg", "steps"),),
        replacements=(("sportrait", "portrait"),),
        skipped=((("strength", "0"), ("cfg", "4")),),
        negatives=("blur",),
        sizes=((64, 128),),
    )
    made = plan(workspace, request)
    text = written(made.explicit, "a name")
    again = parse(text, "here")
    assert again.name == "a name"
    assert again.request == made.explicit
    (workspace.root / "wildcards").mkdir()
    change_snippet(workspace, "light", "other light")
    replanned = plan(workspace, again.request)
    assert replanned.hash == made.hash
    assert replanned.words == made.words
