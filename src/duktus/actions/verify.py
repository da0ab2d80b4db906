"""`duktus verify`: render a picture, or a whole series, again and say whether it is the same.

What is proved here is proved of the bytes that are there now, so bases and networks are hashed byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from duktus.actions.devices import pick_device
from duktus.actions.looking import Named, named_picture, pixels_in
from duktus.actions.materials import materials_for
from duktus.actions.progress import Progress, Silent, Tick
from duktus.actions.workspace import Workspace
from duktus.archive import assets, base_records, series, styles
from duktus.domain.asset import Facts
from duktus.domain.base import Base
from duktus.domain.errors import InputError, MismatchError
from duktus.domain.recipe import Lane, Recipe
from duktus.rendering import Picture, Renderer
from duktus.rendering.compare import compare, pixel_hash

MASTER = "PNG"
"""The format in which pictures are kept; copies in another may have lost detail."""


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
    draft: bool = False
    """A draft's last bits may depend on what shared its batch."""


@dataclass(frozen=True, slots=True)
class VerifiedSeries:
    """The outcome for every picture of a series, in the order of its cells."""

    name: str
    pictures: tuple[Verified, ...]

    @property
    def identical(self) -> bool:
        """Whether every pixel of every picture is the same."""
        return all(one.identical for one in self.pictures)

    @property
    def furthest(self) -> Verified:
        """The picture that is furthest off."""
        return max(self.pictures, key=lambda one: (not one.identical, one.max_abs))

    @property
    def facts(self) -> tuple[FactChanged, ...]:
        """Every recorded fact that is different here and now, of any picture, once."""
        return tuple(dict.fromkeys(fact for one in self.pictures for fact in one.facts))


def verify(
    workspace: Workspace, name: str, *, base: str | None = None, progress: Progress | None = None
) -> Verified:
    """Render the recipe of an asset or file again and compare every pixel.

    ``base`` names the base that has the recipe's weights, where it goes by another name here.
    """
    told = progress or Silent()
    workspace = workspace.proving()
    found = named_picture(workspace, name)
    _check_size(name, found)
    told.say("Rendering it again.")
    (verified,) = _verified(workspace, [(name, found)], base, told)
    return verified


def _check_size(name: str, found: Named) -> None:
    """Refuse a picture that cannot be compared before any time is spent."""
    height, width = pixels_in(found.path)[0].shape[:2]
    made = found.recipe.picture_size
    if (width, height) != made:
        raise MismatchError(
            f"{name} has {width} x {height} pixels, its recipe makes {made[0]} x {made[1]}.",
            "It was scaled or cut since, so there is nothing to compare pixel by pixel.",
            "Verify the picture it was made from.",
        )


def is_series(workspace: Workspace, name: str) -> bool:
    """Whether the name means a series: no file has it, and a series does."""
    if Path(name).is_file():
        return False
    with workspace.archive.read() as connection:
        return series.plan_of(connection, name) is not None


def verify_series(
    workspace: Workspace, name: str, *, base: str | None = None, progress: Progress | None = None
) -> VerifiedSeries:
    """Render every picture of a series again, equal recipes once, and compare every pixel with its file."""
    told = progress or Silent()
    workspace = workspace.proving()
    with workspace.archive.read() as connection:
        cells = series.get(connection, name).cells
        listed = [assets.get(connection, cell.asset_id) for cell in cells if cell.asset_id]
    if not listed:
        raise InputError(
            f"The series '{name}' has no picture yet.",
            "There is nothing to compare with.",
            f"duktus series resume {name} renders it.",
        )
    told.say(f"Rendering {len(listed)} pictures again.")
    named = [
        (one.id, Named(workspace.store.checked(one.file_hash), one.recipe, one))
        for one in {asset.id: asset for asset in listed}.values()
    ]
    judged = {one.name: one for one in _verified(workspace, named, base, told)}
    return VerifiedSeries(name, tuple(judged[one.id] for one in listed))


def _verified(
    workspace: Workspace, named: Sequence[tuple[str, Named]], name_of_base: str | None, told: Progress
) -> Iterator[Verified]:
    """Each picture judged; one base after the other, so that only one is in memory."""
    by_base: dict[str, list[tuple[str, Named]]] = {}
    for name, found in named:
        by_base.setdefault(found.recipe.base.weights, []).append((name, found))
    # All of them, before any time is spent.
    bases = [base_of(workspace, group[0][1].recipe, name_of_base) for group in by_base.values()]
    for base, group in zip(bases, by_base.values(), strict=True):
        for index, picture in _again(workspace, base, [found.recipe for _, found in group], told):
            yield _judged(*group[index], picture)


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


def _again(
    workspace: Workspace, base: Base, recipes: Sequence[Recipe], told: Progress
) -> Iterator[tuple[int, Picture]]:
    named = {adapter.style for recipe in recipes for adapter in recipe.adapters}
    with workspace.archive.read() as connection:
        used = [styles.by_hash(connection, style) for style in sorted(named)]
    files = {style.hash: workspace.store.checked(style.file_hash) for style in used}
    renderer = Renderer(
        base,
        files,
        batch=1 if len(recipes) == 1 else workspace.batch,
        device=pick_device(workspace.device),
        materials=materials_for(workspace, base, recipes),
    )
    for picture in renderer.render(
        recipes, on_step=lambda done, total: told.tick(Tick("steps", done, total)), should_stop=told.stopped
    ):
        yield picture.index, picture
    if told.stopped():
        raise KeyboardInterrupt


def _judged(name: str, found: Named, picture: Picture) -> Verified:
    kept, container = pixels_in(found.path)
    far = compare(kept, picture.pixels)
    # The recorded hash catches what comparing with the file alone cannot: a file changed since.
    identical = far.identical and (
        found.asset is None or found.asset.pixel_hash == pixel_hash(picture.pixels)
    )
    facts = _changed(found.asset.facts, picture.facts) if found.asset else ()
    if container != MASTER and not far.identical:
        facts = (FactChanged("file format", MASTER, f"{container}, which keeps pixels only nearly"), *facts)
    return Verified(
        name=found.asset.id if found.asset else name,
        identical=identical,
        max_abs=far.max_abs,
        psnr=None if far.identical else far.psnr,
        facts=facts,
        seconds=picture.facts.seconds,
        draft=found.recipe.numerics.lane is Lane.DRAFT,
    )


def _changed(then: Facts, now: Facts) -> tuple[FactChanged, ...]:
    names = ("device", "device_name", "instruction_set", "threads")
    pairs = [(name, str(getattr(then, name)), str(getattr(now, name))) for name in names]
    pairs += [
        (f"{library} version", then.versions.get(library, "none"), now.versions.get(library, "none"))
        for library in dict.fromkeys([*then.versions, *now.versions])
    ]
    return tuple(FactChanged(name, was, here) for name, was, here in pairs if was != here)
