"""Which schedules each sampler can follow; known without loading torch."""

from __future__ import annotations

from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule

_ALL = tuple(Schedule)
_NORMAL = (Schedule.NORMAL,)

SCHEDULES_OF: dict[Sampler, tuple[Schedule, ...]] = {
    Sampler.DDIM: _NORMAL,
    Sampler.EULER: _ALL,
    Sampler.EULER_A: _NORMAL,
    Sampler.DPMPP_2M: _ALL,
    Sampler.DPMPP_2M_SDE: _ALL,
    Sampler.UNIPC: _ALL,
    Sampler.HEUN: _ALL,
    Sampler.LCM: _NORMAL,
}
"""What the schedulers of diffusers 0.42 can do."""

LCM_STEPS = 50
"""The steps LCM was distilled from; it can make no more (arXiv 2310.04378)."""


def check_no_guidance(base: str, guidance: float | None) -> None:
    """Refuse guidance for a base whose network does not take it: it would change nothing."""
    if guidance is not None:
        raise InputError(
            f"{base} takes no guidance.",
            "Only guidance-distilled networks, such as FLUX.1 dev, have it as an input.",
            "Use cfg instead.",
        )


def check_combination(sampler: Sampler, schedule: Schedule, steps: int = 1) -> None:
    """Refuse what does not exist, naming what does; :class:`InputError`."""
    allowed = SCHEDULES_OF[sampler]
    if schedule not in allowed:
        raise InputError(
            f"Sampler {sampler.value} has no {schedule.value} schedule.",
            f"It has: {', '.join(one.value for one in allowed)}.",
            f"Add --schedule {allowed[0].value}, or choose another sampler.",
        )
    if sampler is Sampler.LCM and steps > LCM_STEPS:
        raise InputError(
            f"Sampler LCM cannot make {steps} steps.", f"At most {LCM_STEPS}; 4 to 8 are usual for it."
        )
