"""Which recipes are computed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duktus.domain.beginning import steps_skipped
from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.recipe import Recipe, Sampler
from duktus.families.learned_words import Worn

GUIDED = 2 / 3
"""Share of the steps after which a hurried batch no longer asks the denoiser about the negative prompt. What
guidance adds changes little by then, so the last difference between both answers stands for the following
ones, and each step costs half."""


@dataclass(frozen=True, slots=True)
class Group:
    """Recipes of one shape that make one batch, each with the places it was asked for at.

    At those places may stand other recipes with the same :func:`essence`.
    """

    recipes: tuple[Recipe, ...]
    indices: tuple[tuple[int, ...], ...]

    @property
    def guided(self) -> bool:
        """Whether the denoiser also sees the negative prompt; at cfg 1 it has no influence."""
        return self.recipes[0].cfg > 1

    @property
    def passes(self) -> tuple[int, ...]:
        """Evaluations of the denoiser per picture in each pass; a hires recipe has two."""
        first = self.recipes[0]
        runs = first.steps - (steps_skipped(first.steps, first.source.denoise) if first.source else 0)
        found = [runs]
        if first.hires is not None:
            found.append(first.hires.steps - steps_skipped(first.hires.steps, first.hires.denoise))
        # Heun looks twice at every step but the last.
        return tuple(2 * steps - 1 if first.sampler is Sampler.HEUN else steps for steps in found)

    @property
    def steps(self) -> int:
        """Evaluations of the denoiser per picture."""
        return sum(self.passes)

    @property
    def styles(self) -> tuple[str, ...]:
        """Tensor hashes of the styles of every recipe of the group, sorted."""
        return _styles(self.recipes[0])

    def strengths(self, style: str) -> list[float]:
        """Each picture's strength of that style; a style named twice adds up."""
        return [
            sum(adapter.strength for adapter in recipe.adapters if adapter.style == style)
            for recipe in self.recipes
        ]

    @property
    def guidance(self) -> tuple[float, ...] | None:
        """Each picture's guidance, for networks that take it as an input."""
        given = [recipe.guidance for recipe in self.recipes]
        return None if given[0] is None else tuple(value for value in given if value is not None)

    def batch_words(self) -> list[tuple[Worn, ...]]:
        """The learned words of each of :meth:`batch_texts`."""
        return [words(recipe) for recipe in self.recipes] * (2 if self.guided else 1)

    def batch_texts(self) -> list[str]:
        """The texts in the order of the batch: negative prompts first when guided, then prompts."""
        negatives = [recipe.negative_prompt for recipe in self.recipes] if self.guided else []
        return [*negatives, *(recipe.prompt for recipe in self.recipes)]


def plan(recipes: Sequence[Recipe], batch: int) -> list[Group]:
    """Groups of at most ``batch`` recipes, in the order in which they were first asked for.

    Everything in the key comes from the recipe alone, so a picture's arithmetic does not depend on which
    other recipes are asked for.
    """
    places: dict[str, list[int]] = {}
    unique: dict[str, Recipe] = {}
    for index, recipe in enumerate(recipes):
        name = essence(recipe)
        unique.setdefault(name, recipe)
        places.setdefault(name, []).append(index)
    alike: dict[tuple[object, ...], list[Recipe]] = {}
    for recipe in unique.values():
        alike.setdefault(shape_key(recipe), []).append(recipe)
    groups = [
        members[start : start + batch]
        for members in alike.values()
        for start in range(0, len(members), batch)
    ]
    groups.sort(key=lambda members: places[essence(members[0])][0])
    return [
        Group(
            recipes=tuple(members),
            indices=tuple(tuple(places[essence(recipe)]) for recipe in members),
        )
        for members in groups
    ]


def essence(recipe: Recipe) -> str:
    """The hash of what decides the pixels: recipes with one essence give the same bytes.

    Names of things say nothing; a style at strength 0, a control or a reference at weight 0 and the negative
    prompt at cfg 1 have no influence, and the order of styles has none.
    """
    values = recipe.as_json()
    values["base"] = recipe.base.weights
    strengths: dict[str, list[float]] = {}
    for adapter in recipe.adapters:
        if adapter.word is None:
            strengths.setdefault(adapter.style, []).append(adapter.strength)
    values["adapters"] = [[style, strengths[style]] for style in sorted(strengths) if any(strengths[style])]
    worn = {style: strength for style, strength in text_strengths(recipe).items() if strength}
    if worn:
        values["text_strengths"] = worn
    spoken = words(recipe)
    if spoken:
        values["words"] = [[one.style, one.word, one.strength] for one in spoken]
    if recipe.cfg == 1:
        values["negative_prompt"] = ""
    values["controls"] = [
        one.model_dump(mode="json", exclude={"name"}) for one in recipe.controls if one.weight
    ]
    values["references"] = [
        one.model_dump(mode="json", exclude={"name"}) for one in recipe.references if one.weight
    ]
    if recipe.refine is not None:
        values["refine"] = recipe.refine.model_dump(mode="json", exclude={"name"})
    if recipe.upscale is not None:
        values["upscale"] = recipe.upscale.model_dump(mode="json", exclude={"name"})
    return sha256_hex(canonical_json(values))


def shape_key(recipe: Recipe) -> tuple[object, ...]:
    """What of a recipe decides the shape of its computation; recipes with one key can share a batch."""
    return (
        recipe.numerics,
        recipe.width,
        recipe.height,
        recipe.steps,
        recipe.sampler,
        recipe.schedule,
        recipe.cfg > 1,
        recipe.guidance is None,
        _styles(recipe),
        tuple(sorted(text_strengths(recipe).items())),
        recipe.weighting,
        recipe.clip_skip,
        *_beginning(recipe),
    )


def _beginning(recipe: Recipe) -> tuple[object, ...]:
    """What of a recipe's beginning decides the shape of its computation."""
    source, hires = recipe.source, recipe.hires
    held = recipe.mask is not None or (source is not None and source.extend is not None)
    return (
        None if source is None else (steps_skipped(recipe.steps, source.denoise), held),
        None
        if hires is None
        else (hires.width, hires.height, hires.steps, steps_skipped(hires.steps, hires.denoise), hires.by),
        tuple(control.network for control in recipe.controls),
        tuple(reference.network for reference in recipe.references),
        None if recipe.refine is None else (recipe.refine.weights, recipe.refine.at),
    )


def text_strengths(recipe: Recipe) -> dict[str, float]:
    """Strength of the text-encoder part of each style that has one, by tensor hash; twice named adds up."""
    worn: dict[str, float] = {}
    for adapter in recipe.adapters:
        if adapter.strength_text is not None:
            worn[adapter.style] = worn.get(adapter.style, 0.0) + adapter.strength_text
    return worn


def words(recipe: Recipe) -> tuple[Worn, ...]:
    """The learned words of the recipe at strengths other than 0, sorted; one named twice adds up."""
    found: dict[tuple[str, str], float] = {}
    for adapter in recipe.adapters:
        if adapter.word is not None:
            key = (adapter.style, adapter.word.lower())
            found[key] = found.get(key, 0.0) + adapter.strength
    return tuple(sorted(Worn(*key, strength) for key, strength in found.items() if strength))


def _styles(recipe: Recipe) -> tuple[str, ...]:
    return tuple(sorted({adapter.style for adapter in recipe.adapters if adapter.word is None}))
