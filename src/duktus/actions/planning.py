"""From what a person asked for to recipes: every value checked before anything is rendered."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duktus.actions.beginning import Begun, begin
from duktus.actions.request import Request
from duktus.actions.text_strengths import with_text_strengths
from duktus.actions.workspace import Workspace
from duktus.archive import styles as archived
from duktus.domain.base import Base
from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.errors import InputError, MismatchError
from duktus.domain.recipe import AdapterRef, Recipe, Sampler, Schedule
from duktus.domain.series import Axis, AxisValue
from duktus.domain.style import Style

MAX_CELLS = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be rendered: one recipe and one place on every axis per cell, row by row."""

    base: Base
    axes: tuple[Axis, ...]
    coordinates: tuple[tuple[AxisValue, ...], ...]
    recipes: tuple[Recipe, ...]
    style_files: dict[str, Path]
    """Tensor hash of each style -> its file."""
    notes: tuple[str, ...]
    begun: Begun = field(default_factory=Begun)
    """What the pictures begin from; its new files are kept once the workspace is ready."""

    @property
    def hash(self) -> str:
        """The SHA-256 of axes and recipes: two sweeps with it are the same sweep."""
        axes = [axis.model_dump(mode="json") for axis in self.axes]
        return sha256_hex(canonical_json({"axes": axes, "recipes": [r.hash for r in self.recipes]}))


def plan(workspace: Workspace, request: Request) -> Plan:
    """The recipes of a request, or a :class:`UserError` about the first thing that does not fit."""
    base = workspace.base(request.base)
    used = [(style_for(workspace, base, name), strength) for name, strength in request.styles]
    if request.strengths and len(used) != 1:
        raise InputError(
            f"strength was given with {len(used) or 'no'} styles.",
            "It is the strength of one style.",
            "Name one style with --style NAME, or write --style NAME:STRENGTH for each of several.",
        )
    begun = begin(workspace, base, request.beginning)
    options = _options(request, base, used)
    if begun.size is not None and not request.sizes:
        options["size"] = (begun.size,)
    names = list(options)
    total = 1
    for values in options.values():
        total *= len(values)
    if total > MAX_CELLS:
        raise InputError(
            f"This sweep has {total} cells.",
            f"One series holds at most {MAX_CELLS}.",
            "Split it, or take fewer values on an axis.",
        )
    varying = [name for name in names if len(options[name]) > 1]
    points = [dict(zip(names, point, strict=True)) for point in itertools.product(*options.values())]
    return Plan(
        base=base,
        axes=tuple(Axis(name=name, values=tuple(_shown(v) for v in options[name])) for name in varying),
        coordinates=tuple(tuple(_shown(point[name]) for name in varying) for point in points),
        recipes=tuple(
            with_text_strengths(
                begun.on(_recipe(base, used, point)), [style for style, _ in used], request.text_strengths
            )
            for point in points
        ),
        style_files={style.hash: workspace.store.checked(style.file_hash) for style, _ in used},
        notes=(
            *begun.notes,
            *base_notes([style for style, _ in used], base),
            *trigger_notes([style for style, _ in used], request.prompts),
        ),
        begun=begun,
    )


def style_for(workspace: Workspace, base: Base, name: str) -> Style:
    """The style of that name; :class:`MismatchError` when it was taught on another family."""
    with workspace.archive.read() as connection:
        style = archived.get(connection, name)
    if style.family != base.family:
        raise MismatchError(
            f"The style '{name}' was taught on a base of another family.",
            f"It belongs to {style.base.name} ({style.family}); this renders with {base.name} "
            f"({base.family}), whose network has other parts.",
            f"Render with its own base (--base {style.base.name}), or teach it again on {base.name}.",
        )
    return style


def _options(request: Request, base: Base, used: Sequence[tuple[Style, float]]) -> dict[str, Sequence[Any]]:
    """Values per axis, in the order of the sheet: across first, seeds last."""
    given = base.render
    strengths = request.strengths or tuple(strength for _, strength in used[:1])
    options: dict[str, Sequence[Any]] = {"strength": strengths} if strengths else {}
    options["cfg"] = request.cfgs or (given.cfg,)
    if request.guidances or given.guidance is not None:
        options["guidance"] = request.guidances or (given.guidance,)
    options["sampler"] = request.samplers or (given.sampler,)
    options["schedule"] = request.schedules or (given.schedule,)
    options["steps"] = request.steps or (given.steps,)
    options["size"] = request.sizes or ((given.width, given.height),)
    options["prompt"] = request.prompts
    options["negative"] = request.negatives or (given.negative_prompt,)
    options["seed"] = request.seeds
    return options


def _shown(value: Any) -> AxisValue:
    if isinstance(value, tuple):
        return "x".join(str(side) for side in value)
    if isinstance(value, (Sampler, Schedule)):
        return value.value
    return value


def _recipe(base: Base, used: Sequence[tuple[Style, float]], point: dict[str, Any]) -> Recipe:
    strengths = [point["strength"], *(strength for _, strength in used[1:])] if used else []
    try:
        return Recipe(
            base=base.ref,
            adapters=tuple(
                AdapterRef(name=style.name, style=style.hash, strength=strength)
                for (style, _), strength in zip(used, strengths, strict=True)
            ),
            prompt=point["prompt"],
            negative_prompt=point["negative"],
            seed=point["seed"],
            steps=point["steps"],
            cfg=point["cfg"],
            guidance=point.get("guidance"),
            sampler=point["sampler"],
            schedule=point["schedule"],
            width=point["size"][0],
            height=point["size"][1],
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{first['loc'][-1]} {first['input']!r} cannot be used.",
            f"{first['msg']}.",
            "Choose a value within that bound.",
        ) from error


def base_notes(styles: Sequence[Style], base: Base) -> tuple[str, ...]:
    """What to know of styles that were taught on another base of the same family."""
    return tuple(
        f"The style '{style.name}' was taught on {style.base.name} and is rendered on {base.name}, "
        f"another base of the family {base.family}; it may come out differently."
        for style in styles
        if style.base.weights != base.weights
    )


def trigger_notes(styles: Sequence[Style], prompts: Sequence[str]) -> tuple[str, ...]:
    """One sentence for each style whose trigger word is missing in a prompt."""
    notes: list[str] = []
    for style in styles:
        without = [prompt for prompt in prompts if style.trigger.casefold() not in prompt.casefold()]
        if without:
            which = "The prompt does" if len(prompts) == 1 else f"{len(without)} of {len(prompts)} prompts do"
            notes.append(
                f"{which} not contain '{style.trigger}', the trigger word of style '{style.name}'; "
                "the style may come out weaker."
            )
    return tuple(notes)
