"""What a person asked to be rendered, read but not yet checked against a workspace."""

from __future__ import annotations

from dataclasses import dataclass, field

from duktus.actions.beginnings.beginning_asked import Beginning
from duktus.domain.recipe import Sampler, Schedule

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. Empty tuples mean: what the base's recipe says.

    ``styles`` are (name, strength); ``strengths`` lays an axis over the strength of the one style.
    Several values of one kind make an axis of a sweep. Prompts may have alternatives
    (:mod:`duktus.domain.templates`), name snippets (:mod:`duktus.domain.snippet`) and weight words
    (:mod:`duktus.domain.weighting`).
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
    beginning: Beginning = field(default_factory=Beginning)
    clip_skips: tuple[int, ...] = ()
    """Layers of the text encoder, counted as A1111 does."""
    bases: tuple[str, ...] = ()
    """Names of bases; empty: the workspace's own."""
    style_strengths: tuple[tuple[str, tuple[float, ...]], ...] = ()
    """An axis over the strength of each style named."""
    replacements: tuple[tuple[str, ...], ...] = ()
    """Each an axis: the first text is searched for in prompt and negative prompt, the others replace it."""
    zipped: tuple[tuple[str, ...], ...] = ()
    """Names of axes that go together, value by value, instead of being crossed."""
    skipped: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Each a set of (axis, value); cells that have all of one set are left out."""
    denoises: tuple[float, ...] = ()
    """An axis over how much of the picture drawn over may change."""
    control_weights: tuple[float, ...] = ()
    """An axis over the weight of the one control."""
    reference_weights: tuple[float, ...] = ()
    """An axis over the weight of the one reference."""
    variation_strengths: tuple[float, ...] = ()
    """An axis over how far the noise turns to the variation seed; 0 is the plain seed."""
    hires_denoises: tuple[float, ...] = ()
    """An axis over how much the hires pass may change."""
    style_text_strengths: tuple[tuple[str, tuple[float, ...]], ...] = ()
    """An axis over the text strength of each style named."""
    draw: int | None = None
    """How many prompts to draw from each template; None takes every one."""
    wildcard_seed: int = 1
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Lists for ``__name__`` that travel with the request; they go before those of the workspace."""
