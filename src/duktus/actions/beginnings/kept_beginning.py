"""What a child keeps of what its parent began from, what it changes of that, and what it drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from duktus.actions.beginnings.beginning import control_words, reference_words
from duktus.actions.beginnings.beginning_asked import Beginning
from duktus.domain.errors import InputError
from duktus.domain.recipe import Lane, Recipe

PARTS: Mapping[str, tuple[str, ...]] = {
    "image": ("source", "mask"),
    "mask": ("mask",),
    "control": ("controls",),
    "reference": ("references",),
    "variation": ("variation",),
    "hires": ("hires",),
    "refiner": ("refine",),
    "upscale": ("upscale",),
    "draft": ("numerics",),
}
"""What can be dropped, and the fields of the recipe that go with it."""


def dropped(recipe: Recipe, without: Sequence[str]) -> Recipe:
    """The recipe without those parts; :class:`InputError` for one it does not have."""
    values = recipe.as_json()
    for part in without:
        if part not in PARTS:
            near = get_close_matches(part, PARTS, 1)
            raise InputError(
                f"'{part}' is nothing a picture begins from.",
                f"Known: {', '.join(PARTS)}.",
                f"Did you mean '{near[0]}'?" if near else "",
            )
        has = recipe.numerics.lane is Lane.DRAFT if part == "draft" else PARTS[part][0] in values
        if not has:
            raise InputError(
                f"The picture has no {part} to leave out.",
                "",
                "duktus show ASSET says what it was made from.",
            )
        for name in PARTS[part]:
            values.pop(name, None)
        if part == "draft":
            values["numerics"] = {**recipe.numerics.model_dump(mode="json"), "lane": Lane.PROOF.value}
    return Recipe.model_validate(values)


def continued(recipe: Recipe, asked: Beginning) -> Beginning:
    """What was asked for, with the parent's own wherever only a part of it is said: ``denoise`` alone is that
    of the parent's picture, ``variation_strength`` alone that of its second seed.
    """
    changes: dict[str, Any] = {}
    source, variation, hires = recipe.source, recipe.variation, recipe.hires
    over = asked.denoise is not None or asked.mask or asked.extend
    if asked.image is None and source is not None and over:
        changes["image"] = source.picture
        changes["denoise"] = source.denoise if asked.denoise is None else asked.denoise
        if source.extend is not None and asked.extend is None:
            sides = source.extend.model_dump()
            changes["extend"] = ",".join(f"{side}={pixels}" for side, pixels in sides.items() if pixels)
    if asked.variation_seed is None and variation is not None and asked.variation_strength is not None:
        changes["variation_seed"] = variation.seed
    again = asked.hires_denoise is not None or asked.hires_steps is not None
    if asked.hires is None and hires is not None and again:
        changes |= {
            "hires": f"{hires.width}x{hires.height}",
            "hires_denoise": hires.denoise if asked.hires_denoise is None else asked.hires_denoise,
            "hires_steps": asked.hires_steps or hires.steps,
            "hires_by": hires.by,
        }
    return replace(asked, **changes)


def before_beginning(recipe: Recipe, asked: Beginning) -> dict[str, Any]:
    """The parent's recipe as plain data, ready for a beginning to be laid over it: a new picture to draw over
    comes without the old one's mask, and a canvas that is grown anew begins at its first size.
    """
    values = recipe.as_json()
    if asked.image is None:
        return values
    if recipe.source is not None and recipe.source.extend is not None:
        across, down = recipe.source.extend.added
        values |= {"width": recipe.width - across, "height": recipe.height - down}
    if recipe.source is not None and asked.image == recipe.source.picture:
        values["source"].pop("extend", None)
    else:
        values.pop("source", None)
        values.pop("mask", None)
    return values


def beginning_of(recipe: Recipe) -> Beginning:
    """The whole beginning of a recipe as it would be asked for, pictures by the hashes of their files."""
    source, mask, variation, hires = recipe.source, recipe.mask, recipe.variation, recipe.hires
    grown = source.extend.model_dump() if source is not None and source.extend is not None else {}
    return Beginning(
        image=source.picture if source else None,
        denoise=source.denoise if source else None,
        mask=(mask.picture,) if mask else (),
        mask_feather=mask.feather if mask else 0,
        extend=",".join(f"{side}={pixels}" for side, pixels in grown.items() if pixels) or None,
        variation_seed=variation.seed if variation else None,
        variation_strength=variation.strength if variation else None,
        controls=tuple(map(control_words, recipe.controls)),
        controls_ready=bool(recipe.controls),
        references=tuple(map(reference_words, recipe.references)),
        hires=f"{hires.width}x{hires.height}" if hires else None,
        hires_denoise=hires.denoise if hires else None,
        hires_steps=hires.steps if hires else None,
        hires_by=hires.by if hires else "latent",
        refiner=recipe.refine.name if recipe.refine else None,
        refine_at=recipe.refine.at if recipe.refine else None,
        draft=recipe.numerics.lane is Lane.DRAFT,
    )
