"""From what a person asked for to recipes: every value checked before anything is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duktus.actions.beginnings.beginning import Begun, begin
from duktus.actions.bounds import out_of_bounds
from duktus.actions.recipes.beginning_axes import explicit, options_of, steered, text_strengths_of
from duktus.actions.recipes.clip_skip import clip_skip
from duktus.actions.recipes.crossing import MAX_CELLS, Crossed, Options, Point, cross
from duktus.actions.recipes.request import Request
from duktus.actions.recipes.text_strengths import with_text_strengths
from duktus.actions.recipes.weights import weighting
from duktus.actions.recipes.wording import plain, worded
from duktus.actions.workspace import Workspace
from duktus.archive import styles as archived
from duktus.domain.base import Base
from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.errors import InputError, MismatchError
from duktus.domain.foreign_marks import marks_notes
from duktus.domain.recipe import Recipe
from duktus.domain.series import Axis, AxisValue
from duktus.domain.style import Style
from duktus.families.registry import family

__all__ = ["MAX_CELLS", "Plan", "plan", "style_for", "trigger_notes"]

Used = Sequence[tuple[Style, float]]
"""The styles of a request with the strength of each, where no axis says another."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be rendered: one recipe and one place on every axis per cell, row by row."""

    base: Base
    """The first, where there are several."""
    axes: tuple[Axis, ...]
    coordinates: tuple[tuple[AxisValue, ...], ...]
    recipes: tuple[Recipe, ...]
    style_files: dict[str, Path]
    """Tensor hash of each style -> its file."""
    notes: tuple[str, ...]
    begun: Begun = field(default_factory=Begun)
    """What the pictures begin from; its new files are kept once the workspace is ready."""
    bases: Mapping[str, Base] = field(default_factory=dict[str, Base])
    """Every base by the hash of its weights."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The hash of each recipe composed from snippets -> the hashes of these."""
    explicit: Request = field(default_factory=lambda: Request(()))
    """The request with every value written out, so that it means the same later."""

    @property
    def hash(self) -> str:
        """The SHA-256 of axes and recipes: two sweeps with it are the same sweep."""
        axes = [axis.model_dump(mode="json") for axis in self.axes]
        return sha256_hex(canonical_json({"axes": axes, "recipes": [r.hash for r in self.recipes]}))


def plan(workspace: Workspace, request: Request) -> Plan:
    """The recipes of a request, or a :class:`UserError` about the first thing that does not fit."""
    bases = [workspace.base(name) for name in request.bases] or [workspace.base()]
    used = [(style_for(workspace, bases[0], name), strength) for name, strength in request.styles]
    for base in bases[1:]:  # a style of another base is refused, whichever of them it is
        _ = [style_for(workspace, base, name) for name, _ in request.styles]
    _check_words([style for style, _ in used])
    begun = _begun(workspace, request, bases)
    options = _options(workspace, request, bases, used)
    if begun.size is not None and not request.sizes:
        options["size"] = (begun.size,)
    crossed = cross(options, request.zipped, request.skipped)
    by_name = {base.name: base for base in bases}
    named = [style for style, _ in used]
    made = [
        with_text_strengths(
            steered(begun.on(_recipe(by_name, used, point)), point, request),
            named,
            text_strengths_of(request, point),
        )
        for point in crossed.points
    ]
    prompts = [one.text for one in options["prompt"]]
    return Plan(
        base=bases[0],
        axes=crossed.axes,
        coordinates=crossed.coordinates,
        recipes=tuple(_possible(by_name[recipe.base.name], recipe) for recipe in made),
        style_files={style.hash: workspace.store.checked(style.file_hash) for style, _ in used},
        notes=(
            *begun.notes,
            *(note for base in bases for note in base_notes([style for style, _ in used], base)),
            *trigger_notes([style for style, _ in used], prompts),
            *marks_notes([*prompts, *(one.text for one in options["negative"] if one is not None)]),
        ),
        begun=begun,
        bases={base.weights: base for base in bases},
        words=_words(crossed, made),
        explicit=_explicit(request, options, used, begun),
    )


def _check_words(styles: Sequence[Style]) -> None:
    """:class:`InputError` when one word would stand for the vectors of two styles."""
    known: dict[str, Style] = {}
    for style in styles:
        if not style.vectors:
            continue
        other = known.setdefault(style.trigger.lower(), style)
        if other.hash != style.hash:
            raise InputError(
                f"The styles '{other.name}' and '{style.name}' both teach the word '{style.trigger}'.",
                "In one prompt it can stand for the vectors of one of them.",
                "Render them one after the other, or teach one of them under another word.",
            )


def _possible(base: Base, recipe: Recipe) -> Recipe:
    """The recipe; :class:`InputError` when its base cannot render it, before a series is begun."""
    family(base.family).check_recipe(base, recipe)
    return recipe


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


def _options(
    workspace: Workspace, request: Request, bases: Sequence[Base], used: Used
) -> dict[str, Sequence[Any]]:
    """Values of everything that can vary, in the order of the sheet: across first, seeds last. None stands
    for what a cell's own base says.
    """
    given = bases[0].render
    several = len(bases) > 1
    options: dict[str, Sequence[Any]] = _strengths(request, used)
    options["cfg"] = request.cfgs or (None if several else given.cfg,)
    if request.guidances or any(base.render.guidance is not None for base in bases):
        options["guidance"] = request.guidances or (None if several else given.guidance,)
    options["sampler"] = request.samplers or (None if several else given.sampler,)
    options["schedule"] = request.schedules or (None if several else given.schedule,)
    options["steps"] = request.steps or (None if several else given.steps,)
    if request.clip_skips:
        options["clip skip"] = request.clip_skips
    options["size"] = request.sizes or (None if several else (given.width, given.height),)
    options["base"] = [base.name for base in bases]
    options.update(options_of(request))
    for values in request.replacements:
        name = f"replace {values[0]}"
        if name in options:
            raise InputError(
                f"'{values[0]}' is replaced on two axes.", "", "Put all its replacements into one --replace."
            )
        options[name] = values
    options["prompt"] = worded(workspace, request, request.prompts)
    negatives = worded(workspace, request, request.negatives)
    options["negative"] = negatives or (None if several else plain(given.negative_prompt),)
    options["seed"] = request.seeds
    return options


def _begun(workspace: Workspace, request: Request, bases: Sequence[Base]) -> Begun:
    if (request.beginning.controls or request.beginning.references) and len(bases) > 1:
        raise InputError(
            f"{'Controls' if request.beginning.controls else 'References'} were given with several bases.",
            "A network beside a base belongs to one base.",
            "Make a series of each base.",
        )
    return begin(workspace, bases[0], request.beginning)


def _strengths(request: Request, used: Used) -> dict[str, Sequence[Any]]:
    if request.strengths and len(used) != 1:
        raise InputError(
            f"strength was given with {len(used) or 'no'} styles.",
            "It is the strength of one style.",
            "Name one style with --style NAME, or of several which one you mean: --strength NAME=0.8,1.0.",
        )
    asked = dict(request.style_strengths)
    unknown = [name for name in asked if name not in {style.name for style, _ in used}]
    if unknown:
        raise InputError(
            f"strength was given for the style '{unknown[0]}', which is not used.",
            f"Used: {', '.join(style.name for style, _ in used) or 'none'}.",
            f"Add --style {unknown[0]}, or leave its strengths out.",
        )
    found: dict[str, Sequence[Any]] = {}
    for style, strength in used:
        values = asked.get(style.name) or request.strengths or (strength,)
        found["strength" if len(used) == 1 else f"strength of {style.name}"] = values
    return found


def _recipe(bases: Mapping[str, Base], used: Used, point: Point) -> Recipe:
    base = bases[point["base"]]
    own = base.render
    values: Point = {
        "cfg": own.cfg,
        "guidance": own.guidance,
        "sampler": own.sampler,
        "schedule": own.schedule,
        "steps": own.steps,
        "size": (own.width, own.height),
        "negative": plain(own.negative_prompt),
        **{name: value for name, value in point.items() if value is not None},
    }
    prompt, negative = _replaced(point, values["prompt"].text, values["negative"].text)
    one = len(used) == 1
    try:
        return Recipe(
            base=base.ref,
            adapters=tuple(
                style.at(point["strength" if one else f"strength of {style.name}"]) for style, _ in used
            ),
            prompt=prompt,
            negative_prompt=negative,
            seed=values["seed"],
            steps=values["steps"],
            cfg=values["cfg"],
            guidance=values["guidance"],
            sampler=values["sampler"],
            schedule=values["schedule"],
            width=values["size"][0],
            height=values["size"][1],
            weighting=weighting(base, prompt, negative),
            clip_skip=clip_skip(base, point.get("clip skip")),
        )
    except ValidationError as error:
        raise out_of_bounds(error) from error


def base_notes(styles: Sequence[Style], base: Base) -> tuple[str, ...]:
    """What to know of styles that were taught on another base of the same family."""
    return tuple(
        f"The style '{style.name}' was taught on {style.base.name} and is rendered on {base.name}, "
        f"another base of the family {base.family}; it may come out differently."
        for style in styles
        if style.base.weights != base.weights
    )


def _replaced(point: Point, prompt: str, negative: str) -> tuple[str, str]:
    """Both prompts with what the replacing axes say, one after the other, as A1111's Prompt S/R."""
    for name, value in point.items():
        if not name.startswith("replace "):
            continue
        wanted = name.removeprefix("replace ")
        if wanted not in prompt and wanted not in negative:
            raise InputError(
                f"'{wanted}' is to be replaced, but neither prompt has it.",
                f"The prompt is '{prompt}', the negative prompt '{negative}'.",
                "The first value of --replace is what stands in the prompt, letter by letter.",
            )
        prompt, negative = prompt.replace(wanted, value), negative.replace(wanted, value)
    return prompt, negative


def _words(crossed: Crossed, made: Sequence[Recipe]) -> dict[str, tuple[str, ...]]:
    named: dict[str, dict[str, None]] = {}
    for point, recipe in zip(crossed.points, made, strict=True):
        for one in (point["prompt"], point["negative"]):
            if one is not None and one.snippets:
                named.setdefault(recipe.hash, {}).update(dict.fromkeys(one.snippets))
    return {recipe: tuple(snippets) for recipe, snippets in named.items()}


def _explicit(request: Request, options: Options, used: Used, begun: Begun) -> Request:
    def of(name: str) -> tuple[Any, ...]:
        return tuple(value for value in options.get(name, ()) if value is not None)

    one = len(used) == 1
    return replace(
        request,
        prompts=tuple(worded.source for worded in options["prompt"]),
        negatives=tuple(worded.source for worded in of("negative")),
        strengths=tuple(options["strength"]) if one else (),
        style_strengths=()
        if one
        else tuple((style.name, tuple(options[f"strength of {style.name}"])) for style, _ in used),
        cfgs=of("cfg"),
        guidances=of("guidance"),
        samplers=of("sampler"),
        schedules=of("schedule"),
        steps=of("steps"),
        sizes=of("size"),
        clip_skips=of("clip skip"),
        bases=of("base"),
        draw=None,
        lists=(),
        **explicit(request, begun),
    )


def trigger_notes(styles: Sequence[Style], prompts: Sequence[str]) -> tuple[str, ...]:
    """One sentence for each style whose trigger word is missing in a prompt."""
    notes: list[str] = []
    for style in styles:
        without = [prompt for prompt in prompts if style.trigger.casefold() not in prompt.casefold()]
        if without:
            which = "The prompt does" if len(prompts) == 1 else f"{len(without)} of {len(prompts)} prompts do"
            so = "the style has no effect there" if style.vectors else "the style may come out weaker"
            notes.append(
                f"{which} not contain '{style.trigger}', the trigger word of style '{style.name}'; {so}."
            )
    return tuple(notes)
