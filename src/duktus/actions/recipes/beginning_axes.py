"""Axes over what pictures begin from, and over the text strength of styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from duktus.actions.beginnings.beginning import AGAIN, Begun
from duktus.actions.bounds import out_of_bounds
from duktus.actions.recipes.crossing import Point
from duktus.actions.recipes.request import Request
from duktus.domain.errors import InputError
from duktus.domain.recipe import Recipe

AXES: Mapping[str, str] = {
    "denoise": "denoises",
    "control weight": "control_weights",
    "reference weight": "reference_weights",
    "variation strength": "variation_strengths",
    "hires denoise": "hires_denoises",
}
"""The name of each axis, and of its values in a request."""

TEXT_STRENGTH_OF = "text strength of "


def options_of(request: Request) -> dict[str, Sequence[Any]]:
    """The values of those axes that are asked for; :class:`InputError` for one that has nothing to vary."""
    begins = request.beginning
    _needs("denoise", request.denoises, begins.image is not None, "a picture to draw over", "--image FILE")
    _needs(
        "variation-strength",
        request.variation_strengths,
        begins.variation_seed is not None,
        "a seed to turn to",
        "--variation-seed 7",
    )
    _needs("hires-denoise", request.hires_denoises, begins.hires is not None, "a hires pass", "--hires 2x")
    beside = (
        ("control", request.control_weights, begins.controls),
        ("reference", request.reference_weights, begins.references),
    )
    for kind, weights, given in beside:
        if weights and len(given) != 1:
            raise InputError(
                f"{kind}-weight was given with {len(given) or 'no'} {kind}s.",
                f"It is the weight of one {kind}.",
                f"Give one --{kind}.",
            )
    found: dict[str, Sequence[Any]] = {
        name: values for name, field in AXES.items() if (values := getattr(request, field))
    }
    used = [name for name, _ in request.styles]
    for style, values in request.style_text_strengths:
        if style not in used:
            raise InputError(
                f"text-strength was given for the style '{style}', which is not used.",
                f"Used: {', '.join(used) or 'none'}.",
                f"Add --style {style}, or leave its text strengths out.",
            )
        found[f"{TEXT_STRENGTH_OF}{style}"] = values
    return found


def _needs(option: str, values: Sequence[Any], there: bool, what: str, way: str) -> None:
    if values and not there:
        raise InputError(f"{option} was given without {what}.", "", f"Add {way}.")


def text_strengths_of(request: Request, point: Point) -> list[tuple[str, float]]:
    """The text strength of each style at a point, where one was asked for."""
    at = [
        (name.removeprefix(TEXT_STRENGTH_OF), value)
        for name, value in point.items()
        if name.startswith(TEXT_STRENGTH_OF)
    ]
    return [*request.text_strengths, *at]


def steered(recipe: Recipe, point: Point, request: Request) -> Recipe:
    """The recipe with what a point says of its beginning; :class:`InputError` when that cannot be."""
    changes: dict[str, Any] = {}
    if "denoise" in point and recipe.source is not None:
        changes["source"] = {**recipe.source.model_dump(), "denoise": point["denoise"]}
    for axis, kind in (("control weight", "controls"), ("reference weight", "references")):
        if axis in point:
            changes[kind] = [{**one, "weight": point[axis]} for one in recipe.model_dump()[kind]]
    if "variation strength" in point:  # without any it is the plain seed, which is where such an axis begins
        strength = point["variation strength"]
        seed = request.beginning.variation_seed
        changes["variation"] = {"seed": seed, "strength": strength} if strength else None
    if "hires denoise" in point and recipe.hires is not None:
        changes["hires"] = {**recipe.hires.model_dump(), "denoise": point["hires denoise"]}
    if not changes:
        return recipe
    try:
        return Recipe.model_validate({**recipe.model_dump(by_alias=True), **changes})
    except ValidationError as error:
        raise out_of_bounds(error) from error


def explicit(request: Request, begun: Begun) -> dict[str, Any]:
    """Fields of a request with its beginning written out: pictures by the hashes of their files in the store,
    so that the request means the same wherever and whenever it is read, and one value for each axis that
    could be.
    """
    asked, fields = request.beginning, begun.fields
    source, variation = fields.get("source"), fields.get("variation")
    controls, references = fields.get("controls", ()), fields.get("references", ())
    written = begun.written(asked)
    found: dict[str, Any] = {"beginning": written}
    single = {
        "denoises": source.denoise if source else None,
        "control_weights": controls[0].weight if len(controls) == 1 else None,
        "reference_weights": references[0].weight if len(references) == 1 else None,
        "variation_strengths": variation.strength if variation else None,
        "hires_denoises": (AGAIN if asked.hires_denoise is None else asked.hires_denoise)
        if asked.hires
        else None,
    }
    for name, value in single.items():
        found[name] = getattr(request, name) or (() if value is None else (value,))
    return found
