"""What a sweep will cost, before it starts: pictures, time and room, from what rendering has cost so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from duktus.actions.recipes.planning import Plan
from duktus.actions.workspace import Workspace
from duktus.archive import measured
from duktus.archive.measured import Cost
from duktus.domain.recipe import Recipe, Sampler

LOOKED_AT = 60
"""So many of the newest pictures of a base say how fast it is here."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is to be done. ``seconds`` and ``disk`` (bytes) are None where nothing was measured yet."""

    cells: int
    there: int
    """Cells whose picture is there already."""
    pictures: int
    """Still to render; equal cells once."""
    seconds: float | None
    measured_on: int
    """Pictures that the time was learned from."""
    disk: int | None
    order: tuple[str, ...]
    """What is rendered after what, the costliest change last done: base, styles, size."""


def estimate(workspace: Workspace, planned: Plan, there: Collection[str]) -> Estimate:
    """The cost of the recipes of a plan that are not ``there`` (by their hashes)."""
    todo = list({one.hash: one for one in in_order(planned.recipes) if one.hash not in there}.values())
    known: dict[str, list[Cost]] = {}
    with workspace.archive.read() as connection:
        for weights in {one.base.weights for one in todo}:
            known[weights] = measured.newest(connection, weights, LOOKED_AT)
    return Estimate(
        cells=len(planned.recipes),
        there=sum(one.hash in there for one in planned.recipes),
        pictures=len(todo),
        seconds=_total([_seconds(one, known[one.base.weights]) for one in todo]),
        measured_on=sum(len(found) for found in known.values()),
        disk=_bytes(workspace, todo, known),
        order=tuple(dict.fromkeys(_stage(one) for one in todo)),
    )


def in_order(recipes: Sequence[Recipe]) -> list[Recipe]:
    """The recipes so that what costs most to change changes least: the base, then the styles beside its
    weights, then the size, then what makes batches. Strength, cfg, seed and known words cost nothing.
    """
    bases = list(dict.fromkeys(one.base.weights for one in recipes))
    return sorted(recipes, key=lambda one: _cost(bases.index(one.base.weights), one))


def _cost(base: int, one: Recipe) -> tuple[object, ...]:
    styles = tuple(sorted(adapter.style for adapter in one.adapters))
    return (base, styles, one.width, one.height, one.steps, one.sampler, one.schedule)


def _stage(one: Recipe) -> str:
    styles = " + ".join(adapter.name for adapter in one.adapters)
    return f"{one.base.name}{f' with {styles}' if styles else ''} at {one.width}x{one.height}"


def _work(recipe: Recipe) -> float:
    """Pixels seen by the denoiser, over all steps; with guidance it looks twice."""
    steps = recipe.steps * (2 if recipe.sampler is Sampler.HEUN else 1)
    looks = 2 if recipe.cfg > 1 else 1
    seen = steps * recipe.width * recipe.height
    if recipe.hires is not None:
        seen += recipe.hires.steps * recipe.hires.width * recipe.hires.height
    return float(seen * looks)


def _seconds(recipe: Recipe, known: Sequence[Cost]) -> float | None:
    here = [cost for cost in known if cost.facts.device == known[0].facts.device]
    if not here:
        return None
    return median(cost.facts.seconds / _work(cost.recipe) for cost in here) * _work(recipe)


def _total(seconds: Sequence[float | None]) -> float | None:
    known = [one for one in seconds if one is not None]
    return sum(known) if len(known) == len(seconds) else None


def _bytes(workspace: Workspace, todo: Sequence[Recipe], known: dict[str, list[Cost]]) -> int | None:
    total = 0.0
    for one in todo:
        sizes = [
            path.stat().st_size / (cost.recipe.width * cost.recipe.height)
            for cost in known[one.base.weights]
            if (path := workspace.store.path(cost.file_hash)).is_file()
        ]
        if not sizes:
            return None
        width, height = one.picture_size
        total += median(sizes) * width * height
    return round(total)
