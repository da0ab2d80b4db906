"""What a person asked to be rendered, read but not yet checked against a workspace."""

from __future__ import annotations

from dataclasses import dataclass, field

from duktus.actions.beginning_asked import Beginning
from duktus.domain.recipe import Sampler, Schedule

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. Empty tuples mean: what the base's recipe says.

    ``styles`` are (name, strength); ``strengths`` lays an axis over the strength of the one style.
    Several values of one kind make an axis of a sweep.
    """

    prompts: tuple[str, ...]
    styles: tuple[tuple[str, float], ...] = ()
    text_strengths: tuple[tuple[str, float], ...] = ()
    """Of the text-encoder part of styles, by name; where not said it is as strong as the style."""
    strengths: tuple[float, ...] = ()
    cfgs: tuple[float, ...] = ()
    guidances: tuple[float, ...] = ()
    """For guidance-distilled bases."""
    samplers: tuple[Sampler, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    steps: tuple[int, ...] = ()
    sizes: tuple[Size, ...] = ()
    negatives: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1,)
    base: str | None = None
    """The name of the base to render with; the workspace's own when None."""
    beginning: Beginning = field(default_factory=Beginning)
