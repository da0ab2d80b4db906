from __future__ import annotations

from itertools import product
from typing import Any

from duktus.actions.sweeping.unchanged import unchanged_axes
from duktus.domain.series import Axis, Cell

AXES = (Axis(name="strength", values=(0, 0.5, 1)), Axis(name="seed", values=(1, 2)))


def cells(pixels: dict[Any, str]) -> tuple[tuple[Cell, ...], dict[str, str]]:
    made = tuple(
        Cell(
            index=index, coordinates=place, recipe_id="r", asset_id=f"a-{index}" if place in pixels else None
        )
        for index, place in enumerate(product(AXES[0].values, AXES[1].values))
    )
    return made, {f"a-{cell.index}": pixels[cell.coordinates] for cell in made if cell.asset_id}


def test_every_axis_that_does_something_is_silent() -> None:
    different = {place: str(place) for place in product((0, 0.5, 1), (1, 2))}
    assert unchanged_axes(AXES, *cells(different)) == ()


def test_an_axis_that_does_nothing_at_all() -> None:
    by_seed = {place: str(place[1]) for place in product((0, 0.5, 1), (1, 2))}
    (note,) = unchanged_axes(AXES, *cells(by_seed))
    assert note == "strength changed nothing: all neighbouring pictures along it are identical."


def test_an_axis_that_does_nothing_in_places() -> None:
    partly = {place: str(place) for place in product((0, 0.5, 1), (1, 2))}
    partly[0.5, 1] = partly[0, 1]
    assert unchanged_axes(AXES, *cells(partly)) == (
        "strength made no difference in 1 of 4 places (between 0 and 0.5).",
    )


def test_cells_that_are_missing_are_no_neighbours() -> None:
    assert unchanged_axes(AXES, *cells({(0, 1): "a", (1, 1): "a"})) == ()
