"""From requests to recipes, without rendering any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.workspaces import BASE, make_workspace, style

from duktus.actions.begun_series import series_name
from duktus.actions.names import checked_name, slug
from duktus.actions.planning import MAX_CELLS, plan
from duktus.actions.request import Request
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.domain.base import Base
from duktus.domain.errors import ConflictError, InputError, MismatchError, NotFoundError, StorageError
from duktus.domain.recipe import Sampler
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


def test_guidance_is_an_axis_of_its_own_and_absent_where_nobody_asks(workspace: Workspace) -> None:
    made = plan(workspace, Request(("a woman",), guidances=(2.5, 3.5)))
    assert [axis.name for axis in made.axes] == ["guidance"]
    assert [recipe.guidance for recipe in made.recipes] == [2.5, 3.5]
    (plain,) = plan(workspace, Request(("a woman",))).recipes
    assert plain.guidance is None
    assert "guidance" not in plain.as_json()


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
