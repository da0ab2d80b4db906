"""Which samplers and schedules flow-matching families have; known without loading torch."""

from __future__ import annotations

from duktus.domain.errors import InputError
from duktus.domain.recipe import Recipe, Sampler, Schedule

_ALL = (Schedule.NORMAL, Schedule.KARRAS, Schedule.EXPONENTIAL)

FLOW_SCHEDULES_OF: dict[Sampler, tuple[Schedule, ...]] = {
    Sampler.EULER: _ALL,
    Sampler.HEUN: _ALL,
    Sampler.DPMPP_2M: _ALL,
    Sampler.LCM: (Schedule.NORMAL,),
}
"""What diffusers 0.42 can do with velocities. The others ask for noise with a beta schedule."""

PATCH = 16
"""Pixels: two by two latents of eight pixels make one token."""


def check_flow_combination(sampler: Sampler, schedule: Schedule) -> None:
    """Refuse what does not exist for these families, naming what does; :class:`InputError`."""
    allowed = FLOW_SCHEDULES_OF.get(sampler)
    if allowed is None:
        raise InputError(
            f"Sampler {sampler.value} does not exist for flow-matching bases.",
            "It asks for noise with a beta schedule; these bases answer with a velocity.",
            f"Choose one of: {', '.join(one.value for one in FLOW_SCHEDULES_OF)}.",
        )
    if schedule not in allowed:
        raise InputError(
            f"Sampler {sampler.value} has no {schedule.value} schedule here.",
            f"It has: {', '.join(one.value for one in allowed)}.",
            "Choose one of these, or another sampler.",
        )


def check_flow_recipe(base: str, recipe: Recipe) -> None:
    """Refuse samplers, schedules and sizes that these families do not have; :class:`InputError`."""
    check_flow_combination(recipe.sampler, recipe.schedule)
    width, height = recipe.picture_size
    sides = (recipe.width, recipe.height, width, height)
    if any(side % PATCH for side in sides):
        raise InputError(
            f"{base} cannot draw {width}x{height}.",
            f"Its tokens are {PATCH} pixels wide, so both sides are multiples of {PATCH}.",
            f"The nearest size is {_nearest(width)}x{_nearest(height)}.",
        )


def _nearest(side: int) -> int:
    return max(PATCH, round(side / PATCH) * PATCH)
