from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.support import sheets

from duktus.domain.errors import InputError
from duktus.domain.series import Axis
from duktus.rendering.sheet.arrangement import MAX_ACROSS, Arrangement, Heading, arrange, value_words

STRENGTH = Axis(name="strength", values=(0.0, 1.0))
CFG = Axis(name="cfg", values=(3.0, 4.0, 5.0))
SEED = Axis(name="seed", values=(11, 12))
SAMPLER = Axis(name="sampler", values=("Euler", "DPM++ 2M"))


def names(headings: Iterable[Heading]) -> set[str]:
    return {name for name, _ in headings}


def seeds(arrangement: Arrangement) -> list[int]:
    return [slot.cell.recipe.seed for slot in arrangement.slots if slot.cell is not None]


def test_first_axis_runs_across_second_down_and_seeds_make_panels(tmp_path: Path) -> None:
    axes = [SEED, STRENGTH, CFG]
    arrangement = arrange(axes, sheets.sweep(tmp_path, axes))
    assert arrangement.across == (("strength", "0"), ("strength", "1"))
    assert [value for _, value in arrangement.down] == ["3", "4", "5"]
    assert [panel.headings for panel in arrangement.panels] == [(("seed", "11"),), (("seed", "12"),)]
    assert [slot.number for slot in arrangement.slots] == list(range(1, 13))
    assert all(slot.cell is not None for slot in arrangement.slots)


def test_every_cell_stands_under_its_own_headings(tmp_path: Path) -> None:
    axes = [STRENGTH, CFG, SEED, SAMPLER]
    arrangement = arrange(axes, sheets.sweep(tmp_path, axes))
    assert len(arrangement.panels) == 4
    for panel in arrangement.panels:
        for r, row in enumerate(panel.rows):
            for c, slot in enumerate(row):
                heads = dict([*panel.headings, arrangement.down[r], arrangement.across[c]])
                assert slot.cell is not None
                of = slot.cell.recipe
                assert float(heads["strength"]) == of.adapters[0].strength
                assert float(heads["cfg"]) == of.cfg
                assert (heads["seed"], heads["sampler"]) == (str(of.seed), of.sampler.value)


def test_a_cell_not_rendered_yet_leaves_its_place_empty(tmp_path: Path) -> None:
    axes = [STRENGTH, CFG]
    arrangement = arrange(axes, sheets.sweep(tmp_path, axes)[1:])
    first, *others = arrangement.slots
    assert first.cell is None
    assert first.headings == (("strength", "0"), ("cfg", "3"))
    assert all(slot.cell is not None for slot in others)


def test_neighbours_are_one_step_back_along_each_axis(tmp_path: Path) -> None:
    axes = [STRENGTH, CFG]
    *_, last = arrange(axes, sheets.sweep(tmp_path, axes)).slots
    said = [(n.axis, n.there, n.here, n.cell.coordinates) for n in last.neighbours]
    assert said == [("strength", "0", "1", (0.0, 5.0)), ("cfg", "4", "5", (1.0, 4.0))]


def test_an_axis_with_one_value_gets_no_room(tmp_path: Path) -> None:
    axes = [Axis(name="cfg", values=(4.0,)), STRENGTH]
    arrangement = arrange(axes, sheets.sweep(tmp_path, axes))
    assert names(arrangement.across) == {"strength"}
    assert arrangement.down == ()


def test_texts_and_long_axes_run_down(tmp_path: Path) -> None:
    prompts = Axis(name="prompt", values=("one", "two"))
    many = Axis(name="steps", values=tuple(range(1, MAX_ACROSS + 3)))
    for axes in ([prompts, SEED], [many, SEED]):
        arrangement = arrange(axes, sheets.sweep(tmp_path, axes))
        assert names(arrangement.across) == {"seed"}
        assert names(arrangement.down) == {axes[0].name}


def test_one_long_axis_wraps_and_keeps_its_order(tmp_path: Path) -> None:
    axis = Axis(name="seed", values=tuple(range(100, 120)))
    arrangement = arrange([axis], sheets.sweep(tmp_path, [axis]))
    assert [len(row) for row in arrangement.panels[0].rows] == [8, 8, 4]
    assert seeds(arrangement) == list(axis.values)


def test_a_hand_made_series_needs_no_axes(tmp_path: Path) -> None:
    cells = [sheets.cell(tmp_path, (), sheets.recipe(seed=seed)) for seed in (3, 1)]
    assert seeds(arrange([], cells)) == [3, 1]


def test_a_cell_off_the_axes_or_twice_on_them_is_refused(tmp_path: Path) -> None:
    stray = sheets.cell(tmp_path, (7.0,), sheets.recipe())
    with pytest.raises(InputError, match="has no place"):
        arrange([STRENGTH], [stray])
    twin = sheets.cell(tmp_path, (1.0,), sheets.recipe())
    with pytest.raises(InputError, match="share one place"):
        arrange([STRENGTH], [twin, twin])


def test_values_of_one_axis_get_the_same_decimals() -> None:
    assert [value_words(v, (0.8, 1.0, 1.25)) for v in (0.8, 1.0, 1.25)] == ["0.80", "1.00", "1.25"]
    assert value_words(11) == "11"
    assert value_words(4.0) == "4"
    assert value_words("DPM++ 2M") == "DPM++ 2M"
