"""`duktus render --from`: the recipe of a picture with some things changed, and the way back remembered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duktus.actions.beginnings.beginning import Begun, begin
from duktus.actions.beginnings.beginning_asked import Beginning
from duktus.actions.beginnings.kept_beginning import before_beginning, continued, dropped
from duktus.actions.bounds import out_of_bounds
from duktus.actions.descending import record_child
from duktus.actions.foreign.taking_over import TakenOver, take_over
from duktus.actions.progress import Progress, Silent
from duktus.actions.recipes.clip_skip import clip_skip
from duktus.actions.recipes.planning import base_notes, style_for, trigger_notes
from duktus.actions.recipes.request import Size
from duktus.actions.recipes.text_strengths import no_text_part
from duktus.actions.recipes.weights import weighting
from duktus.actions.render import FOLDER, check_out, copy_all
from duktus.actions.rendering import Job, render_jobs
from duktus.actions.verify import base_of
from duktus.actions.workspace import Workspace
from duktus.archive import assets, pictures, styles
from duktus.archive.disk import explained
from duktus.domain.asset import Asset, PictureFormat
from duktus.domain.base import Base
from duktus.domain.descent import Descent
from duktus.domain.errors import InputError
from duktus.domain.foreign import ForeignPicture, Picture
from duktus.domain.foreign_marks import marks_notes
from duktus.domain.prompt_edits import NO_EDITS, PromptEdits
from duktus.domain.recipe import AdapterRef, Recipe, Sampler, Schedule
from duktus.domain.style import Style


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be different from the parent; None and empty leave it as it is.

    ``styles`` are (name, strength): one that the parent has gets that strength, another one is added.
    ``strength`` is that of the parent's one style. Several ``seeds`` make several children.
    """

    prompt: str | None = None
    negative: str | None = None
    prompt_edits: PromptEdits = NO_EDITS
    negative_edits: PromptEdits = NO_EDITS
    styles: tuple[tuple[str, float], ...] = ()
    text_strengths: tuple[tuple[str, float], ...] = ()
    """Of the text-encoder parts of styles that have one."""
    strength: float | None = None
    seeds: tuple[int, ...] = ()
    cfg: float | None = None
    guidance: float | None = None
    steps: int | None = None
    sampler: Sampler | None = None
    schedule: Schedule | None = None
    size: Size | None = None
    clip_skip: int | None = None
    beginning: Beginning = field(default_factory=Beginning)
    without: tuple[str, ...] = ()
    """Parts of what the parent began from that the child does not (:data:`kept_beginning.PARTS`)."""
    base: str | None = None
    """For an imported picture only: a picture of ours keeps its base."""


@dataclass(frozen=True, slots=True)
class WentOn:
    """The children in the order of their seeds, each with how it descends from the parent."""

    parent: Picture
    assets: tuple[Asset, ...]
    descents: tuple[Descent, ...]
    notes: tuple[str, ...]
    copies: tuple[Path, ...] = ()


def go_on(
    workspace: Workspace,
    parent: str,
    wanted: Wanted,
    *,
    aim: str = "",
    out: Path | None = None,
    kind: PictureFormat | None = None,
    steps_strip: bool = False,
    progress: Progress | None = None,
) -> WentOn:
    """Render the recipe of a picture with changes, and remember its parent and what was changed.

    The settings of an imported picture are taken over as far as they map; the notes say what does not.
    ``aim`` says what is sought. :class:`InputError` when nothing is changed.
    """
    told = progress or Silent()
    with workspace.archive.read() as connection:
        before = pictures.named(connection, parent)
    start = _start(workspace, before, wanted.base)
    base, recipe = start.base, start.recipe
    used = _styles(workspace, base, recipe, wanted)
    kept = dropped(recipe, wanted.without)
    wanted = replace(wanted, beginning=continued(kept, wanted.beginning))
    begun = begin(workspace, base, wanted.beginning)
    recipes = _children(base, kept, wanted, used, begun)
    if isinstance(before, Asset):
        recipes = _changed(recipe, recipes)
    check_out(out, len(recipes), kind)
    workspace.prepare()
    with explained(workspace.root):
        begun.keep(workspace)
    prompts = sorted({recipe.prompt for recipe in recipes})
    kept_styles = [style for style, _ in used]
    notes = (*start.notes, *begun.notes, *base_notes(kept_styles, base), *trigger_notes(kept_styles, prompts))
    notes = (*notes, *marks_notes([text for one in recipes for text in (one.prompt, one.negative_prompt)]))
    for note in notes:
        told.say(note)
    with workspace.archive.read() as connection:
        there = {id_ for recipe in recipes for id_ in assets.of_recipe(connection, recipe.hash)}
    folder = workspace.root / "pictures" / FOLDER
    files = {style.hash: workspace.store.checked(style.file_hash) for style, _ in used}
    jobs = [Job(recipe, folder, "") for recipe in recipes]
    found: dict[int, tuple[Asset, Descent]] = {}
    with explained(workspace.root):
        for kept in render_jobs(workspace, base, files, jobs, told, keep_steps=steps_strip):
            found[kept.index] = record_child(
                workspace, base, before, kept, aim, fresh=kept.asset.id not in there
            )
    made = tuple(found[index] for index in sorted(found))
    children = tuple(asset for asset, _ in made)
    with explained(out or workspace.root):
        copies = copy_all(workspace, children, out, kind) if out else ()
    return WentOn(before, children, tuple(descent for _, descent in made), notes, copies)


def _start(workspace: Workspace, before: Picture, base: str | None) -> TakenOver:
    """The recipe to change, and the base that renders it."""
    if before.recipe is None:
        assert isinstance(before, ForeignPicture)
        return take_over(workspace, before, base)
    if base is not None:
        raise InputError(
            "A picture that goes on from another keeps its base.",
            "--base was given beside --from.",
            "Leave --base out, or write the whole prompt to render it with another base.",
        )
    return TakenOver(before.recipe, base_of(workspace, before.recipe), ())


def _styles(workspace: Workspace, base: Base, recipe: Recipe, wanted: Wanted) -> list[tuple[Style, float]]:
    """The styles of the child: the parent's own, by their hashes, with the strengths that are wanted."""
    with workspace.archive.read() as connection:
        own = [(styles.by_hash(connection, one.style), one.strength) for one in recipe.adapters]
    names = [one.name for one in recipe.adapters]
    if wanted.strength is not None:
        if len(own) != 1:
            raise InputError(
                f"strength was given, but the picture has {len(own) or 'no'} styles.",
                "It is the strength of one style.",
                "Write --style NAME:STRENGTH for the style that is meant.",
            )
        own = [(own[0][0], wanted.strength)]
    for name, strength in wanted.styles:
        if name in names:
            place = names.index(name)
            own[place] = (own[place][0], strength)
        else:
            own.append((style_for(workspace, base, name), strength))
    return own


def _children(
    base: Base, recipe: Recipe, wanted: Wanted, used: list[tuple[Style, float]], begun: Begun
) -> list[Recipe]:
    own = {one.style: one for one in recipe.adapters}
    asked = dict(wanted.text_strengths)
    prompt = recipe.prompt if wanted.prompt is None else wanted.prompt
    negative = recipe.negative_prompt if wanted.negative is None else wanted.negative
    content: dict[str, Any] = {
        **before_beginning(recipe, wanted.beginning),
        "adapters": [
            _at(style, strength, own.get(style.hash), asked.get(style.name)) for style, strength in used
        ],
        "prompt": wanted.prompt_edits.applied("prompt", prompt),
        "negative_prompt": wanted.negative_edits.applied("negative prompt", negative),
    }
    texts = (content["prompt"], content["negative_prompt"])
    if texts != (recipe.prompt, recipe.negative_prompt):
        content["weighting"] = weighting(base, *texts)
    for key in ("cfg", "guidance", "steps", "sampler", "schedule"):
        if (value := getattr(wanted, key)) is not None:
            content[key] = value
    if wanted.clip_skip is not None:
        content["clip_skip"] = clip_skip(base, wanted.clip_skip)
    over = recipe.source.picture if recipe.source else None
    size = wanted.size or (begun.size if wanted.beginning.image != over else None)
    if size is not None:
        content["width"], content["height"] = size
    try:
        made = [
            begun.on(Recipe.model_validate({**content, "seed": seed}))
            for seed in wanted.seeds or (recipe.seed,)
        ]
    except ValidationError as error:
        raise out_of_bounds(error) from error
    return made


def _at(style: Style, strength: float, parent: AdapterRef | None, text: float | None) -> AdapterRef:
    """A style in a child. The text-encoder part keeps the parent's strength, and goes along where the two
    were the same; ``text`` says another.
    """
    if text is not None and not style.text_modules:
        raise no_text_part(style.name)
    if parent is None:
        return style.at(strength, text)
    together = parent.strength_text == parent.strength
    kept = strength if together else parent.strength_text
    return parent.model_copy(update={"strength": strength, "strength_text": kept if text is None else text})


def _changed(recipe: Recipe, made: list[Recipe]) -> list[Recipe]:
    new = [child for child in made if child.hash != recipe.hash]
    if not new:
        raise InputError(
            "Nothing is changed.",
            "The recipe would be that of the picture you go on from, and so would every pixel.",
            "Change something, for instance --cfg, --strength, --add, or --seed for another try.",
        )
    return new
