"""`duktus verify`: render a picture again and say whether it is the same."""

from __future__ import annotations

from dataclasses import dataclass

from duktus.actions.devices import pick_device
from duktus.actions.looking import Named, named_picture
from duktus.actions.materials import materials_for
from duktus.actions.progress import Progress, Silent, Tick
from duktus.actions.workspace import Workspace
from duktus.archive import base_records, styles
from duktus.domain.asset import Facts
from duktus.domain.base import Base
from duktus.domain.errors import MismatchError
from duktus.domain.recipe import Recipe
from duktus.rendering import Picture, Renderer
from duktus.rendering.compare import compare, pixel_hash
from duktus.rendering.files import read_pixels


@dataclass(frozen=True, slots=True)
class FactChanged:
    """A fact recorded with the picture that is different here and now."""

    name: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome. ``max_abs`` is the largest difference of a channel (0 to 255), ``psnr`` in dB."""

    name: str
    identical: bool
    max_abs: int
    psnr: float | None
    """None when identical."""
    facts: tuple[FactChanged, ...]
    seconds: float


def verify(
    workspace: Workspace, name: str, *, base: str | None = None, progress: Progress | None = None
) -> Verified:
    """Render the recipe of an asset or file again and compare every pixel.

    ``base`` names the base that has the recipe's weights, where it goes by another name here.
    """
    told = progress or Silent()
    found = named_picture(workspace, name)
    own = base_of(workspace, found.recipe, base)
    told.say("Rendering it again.")
    picture = _again(workspace, own, found.recipe, told)
    return _judged(name, found, picture)


def base_of(workspace: Workspace, recipe: Recipe, named: str | None = None) -> Base:
    """The base with the recipe's weights: the one named, else the recipe's own name, else any added one."""
    known = workspace.known_bases()
    added = {one.weights: one.name for one in base_records.everyone(workspace.base_records)}
    own = recipe.base.name if recipe.base.name in known else workspace.base_name
    name = named or added.get(recipe.base.weights, own)
    base = workspace.base(name)
    if base.weights != recipe.base.weights:
        raise MismatchError(
            f"The picture was rendered with a base that is not here: {recipe.base.name}.",
            f"Its weights are {recipe.base.weights[:12]}..., those of '{base.name}' {base.weights[:12]}...",
            "Add that base: duktus base add.",
        )
    return base


def _again(workspace: Workspace, base: Base, recipe: Recipe, told: Progress) -> Picture:
    with workspace.archive.read() as connection:
        used = [styles.by_hash(connection, adapter.style) for adapter in recipe.adapters]
    files = {style.hash: workspace.store.checked(style.file_hash) for style in used}
    renderer = Renderer(
        base,
        files,
        batch=1,
        device=pick_device(workspace.device),
        materials=materials_for(workspace, base, [recipe]),
    )
    for picture in renderer.render(
        [recipe], on_step=lambda done, total: told.tick(Tick("steps", done, total)), should_stop=told.stopped
    ):
        return picture
    raise KeyboardInterrupt


def _judged(name: str, found: Named, picture: Picture) -> Verified:
    kept = read_pixels(found.path)
    far = compare(kept, picture.pixels)
    # The recorded hash catches what comparing with the file alone cannot: a file changed since.
    identical = far.identical and (
        found.asset is None or found.asset.pixel_hash == pixel_hash(picture.pixels)
    )
    facts = _changed(found.asset.facts, picture.facts) if found.asset else ()
    return Verified(
        name=found.asset.id if found.asset else name,
        identical=identical,
        max_abs=far.max_abs,
        psnr=None if far.identical else far.psnr,
        facts=facts,
        seconds=picture.facts.seconds,
    )


def _changed(then: Facts, now: Facts) -> tuple[FactChanged, ...]:
    names = ("device", "device_name", "instruction_set", "threads")
    pairs = [(name, str(getattr(then, name)), str(getattr(now, name))) for name in names]
    pairs += [
        (f"{library} version", then.versions.get(library, "none"), now.versions.get(library, "none"))
        for library in dict.fromkeys([*then.versions, *now.versions])
    ]
    return tuple(FactChanged(name, was, here) for name, was, here in pairs if was != here)
