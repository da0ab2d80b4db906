"""What a picture begins from: what the person named becomes files in the store and fields of the recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from duktus.actions.beginnings.beginning_asked import Beginning
from duktus.actions.beginnings.control_networks import network_for
from duktus.actions.beginnings.reference_networks import reference_for
from duktus.actions.beginnings.refiners import refine
from duktus.actions.bounds import out_of_bounds
from duktus.actions.looking import looked_at
from duktus.actions.workspace import Workspace
from duktus.archive import lineage, pictures
from duktus.archive.lineage import Edge, Kind
from duktus.archive.store import file_sha256
from duktus.domain import beginning_words as words
from duktus.domain.asset import Asset
from duktus.domain.base import Base, Role
from duktus.domain.beginning import Control, Extend, Hires, Mask, Reference, Source, Variation
from duktus.domain.canonical import sha256_hex
from duktus.domain.errors import InputError, PictureError
from duktus.domain.foreign import Picture
from duktus.domain.recipe import Lane, Numerics, Recipe
from duktus.families.control import ControlNetwork
from duktus.rendering.canvas import plain_png
from duktus.rendering.edges import control_pixels
from duktus.rendering.masks import drawn
from duktus.training.pictures import Opened, open_picture

OVER, PAINTED, GROWN = 0.6, 0.75, 1.0
"""Denoise where nothing is said: over a picture, within a mask, with new room (and on inpainting bases)."""
AGAIN = 0.5
"""Denoise of a hires pass."""
LARGEST = 2
"""A source of up to so many times the pixels of the base's own size keeps its size."""
MAX_SIDE = 8192
_STORED = re.compile("[0-9a-f]{64}")
"""A picture named by the hash of its file in the store, as series and recipes name it."""


@dataclass(frozen=True, slots=True)
class New:
    """What a beginning brings into the archive once the workspace is ready."""

    files: list[bytes] = field(default_factory=list[bytes])
    """PNG files for the store."""
    edges: list[Edge] = field(default_factory=list[Edge])
    """From those that hold the pixels or lines of a picture that is known to that picture."""

    def put(self, data: bytes, of: str | None = None) -> str:
        """The hash of one more file; ``of`` is the file hash of the picture it was made from."""
        made = sha256_hex(data)
        self.files.append(data)
        if of is not None and of != made:
            self.edges.append(Edge(made, of, Kind.MADE_FROM))
        return made


@dataclass(frozen=True, slots=True)
class Begun:
    """The fields every recipe of a plan gets, and the pictures they name."""

    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    hires: Beginning | None = None
    new: New = field(default_factory=New)
    size: tuple[int, int] | None = None
    """Of the source's place, where it decides."""
    networks: tuple[tuple[str, ControlNetwork], ...] = ()
    """Of the controls, with their names."""
    notes: tuple[str, ...] = ()

    def on(self, recipe: Recipe) -> Recipe:
        """The recipe with this beginning; :class:`InputError` when they do not fit together."""
        changes = dict(self.fields)
        source: Source | None = changes.get("source")
        if source is not None and source.extend is not None:
            across, down = source.extend.added
            changes |= {"width": recipe.width + across, "height": recipe.height + down}
        if self.hires is not None and self.hires.hires is not None:
            changes["hires"] = _hires(self.hires, self.hires.hires, recipe)
        if not changes:
            return recipe
        try:
            made = Recipe.model_validate(recipe.model_dump(by_alias=True) | changes)
        except ValidationError as error:
            raise out_of_bounds(error) from error
        for name, network in self.networks:
            network.check_size(name, made.width, made.height)
            if made.hires is not None:
                network.check_size(name, made.hires.width, made.hires.height)
        return made

    def written(self, asked: Beginning) -> Beginning:
        """What was asked for with pictures named by the hashes of their files in the store."""
        source, mask = self.fields.get("source"), self.fields.get("mask")
        return replace(
            asked,
            image=None if source is None else source.picture,
            denoise=None,
            mask=() if mask is None else (mask.picture,),
            mask_inverted=False,
            variation_strength=None,
            controls=tuple(map(control_words, self.fields.get("controls", ()))),
            controls_ready=bool(asked.controls),
            references=tuple(map(reference_words, self.fields.get("references", ()))),
            hires_denoise=None,
        )

    def keep(self, workspace: Workspace) -> None:
        """Put the new pictures into the store of a workspace that is ready, and say what they come from."""
        for data in self.new.files:
            workspace.store.put(data)
        if self.new.edges:
            with workspace.archive.write() as connection:
                lineage.add(connection, self.new.edges)


def begin(workspace: Workspace, base: Base, asked: Beginning) -> Begun:
    """The beginning that was asked for; every file read and checked, nothing written.

    Raises:
        InputError, PictureError, NotFoundError: what was named cannot be used.
    """
    fields: dict[str, Any] = {}
    new = New()
    notes: list[str] = []
    size: tuple[int, int] | None = None
    if asked.draft:
        fields["numerics"] = Numerics(lane=Lane.DRAFT)
    _check_alone(asked)
    try:
        if asked.image is not None:
            name, opened = _picture(workspace, asked.image, new)
            grown = words.extend(asked.extend) if asked.extend else None
            fields["source"] = Source(picture=name, denoise=_denoise(base, asked, grown), extend=grown)
            if asked.mask:
                mask = _mask(workspace, asked, opened, new)
                fields["mask"] = Mask(picture=mask, feather=asked.mask_feather)
            size, said = _size(opened, base)
            notes += said
        if asked.variation_seed is not None:
            strength = 0.1 if asked.variation_strength is None else asked.variation_strength
            if strength:
                fields["variation"] = Variation(seed=asked.variation_seed, strength=strength)
        if asked.refiner is not None:
            fields["refine"] = refine(workspace, base, asked.refiner, asked.refine_at)
        steered = [_control(workspace, base, asked, text, new) for text in asked.controls]
        references = [_reference(workspace, base, text, new) for text in asked.references]
    except ValidationError as error:
        raise out_of_bounds(error) from error
    if steered:
        fields["controls"] = tuple(control for control, _ in steered)
    if references:
        fields["references"] = tuple(references)
    networks = tuple((control.name, network) for control, network in steered)
    return Begun(fields, asked if asked.hires else None, new, size, networks, tuple(notes))


def _check_alone(asked: Beginning) -> None:
    needs = {"denoise": asked.denoise is not None, "mask": asked.mask, "extend": asked.extend}
    for option, given in needs.items():
        if given and asked.image is None:
            raise InputError(
                f"--{option} was given without a picture to draw over.",
                "",
                "Name the picture: --image FILE or --image a-0123456789abcdef.",
            )
    if asked.variation_strength is not None and asked.variation_seed is None:
        raise InputError(
            "--variation-strength was given without a seed to turn to.", "", "Add --variation-seed 7."
        )
    if asked.refine_at is not None and asked.refiner is None:
        raise InputError("--refine-at was given without a refiner.", "", "Add --refiner NAME.")
    if not asked.hires and (asked.hires_denoise is not None or asked.hires_steps is not None):
        raise InputError("A hires pass was described but not asked for.", "", "Add --hires 2x.")


def _picture(workspace: Workspace, name: str, new: New) -> tuple[str, Opened]:
    """The hash of a picture for a recipe, and its pixels.

    An asset is named by its own file, so that lineage goes through it. Any other file becomes a plain PNG
    of its pixels (upright, sRGB, without what else the file said of its maker).
    """
    path = Path(name)
    if not path.is_file():
        if _STORED.fullmatch(name):
            return name, open_picture(workspace.store.checked(name))
        if not name.startswith(("a-", pictures.IMPORTED)):
            raise InputError(
                f"{name} is neither a file nor a picture of this workspace.",
                "",
                "Name a picture file, or an id like a-0123456789abcdef.",
            )
        found = looked_at(workspace, name)
        if isinstance(found.picture, Asset):
            return file_sha256(found.path), open_picture(found.path)
        path = found.path
    try:
        opened = open_picture(path)
    except PictureError as error:
        raise PictureError(f"{path.name} {error.what}", error.why, error.next_step) from error
    known: Picture | None = None
    if workspace.archive.path.exists():
        with workspace.archive.read() as connection:
            known = pictures.behind(connection, opened.sha256)
    if isinstance(known, Asset):
        return opened.sha256, opened
    return new.put(plain_png(opened.pixels), known.file_hash if known else None), opened


def _mask(workspace: Workspace, asked: Beginning, source: Opened, new: New) -> str:
    height, width = source.pixels.shape[:2]
    grey = np.zeros((height, width), np.uint8)
    shapes: list[words.Shape] = []
    for text in asked.mask:
        shape = words.shape(text)
        if shape is not None:
            shapes.append(shape)
        elif text == "alpha":
            grey = np.maximum(grey, _transparent(source))
        else:
            grey = np.maximum(grey, _mask_file(workspace, text, (width, height)))
    grey = np.maximum(grey, drawn(shapes, width, height))
    if asked.mask_inverted:
        grey = 255 - grey
    if not grey.any():
        raise InputError(
            "The mask leaves nothing to paint.",
            "It is black everywhere: white is painted anew, black stays.",
            "Check its place on the picture, or turn it round with --mask-inverted.",
        )
    return new.put(plain_png(np.repeat(grey[:, :, None], 3, axis=2)))


def _transparent(source: Opened) -> NDArray[np.uint8]:
    if source.alpha is None:
        raise InputError(
            "The picture has no transparent parts to take as a mask.",
            "",
            "Name a mask file or a shape: --mask circle:64,40,20.",
        )
    return 255 - source.alpha


def _mask_file(workspace: Workspace, name: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    path = workspace.store.checked(name) if _STORED.fullmatch(name) else Path(name)
    if not path.is_file():
        raise InputError(
            f"mask '{name}' is neither a file nor a shape.",
            "",
            "Name a picture file, alpha, circle:X,Y,RADIUS or rect:X,Y,WIDTH,HEIGHT.",
        )
    try:
        opened = open_picture(path)
    except PictureError as error:
        raise PictureError(f"{path.name} {error.what}", error.why, error.next_step) from error
    height, width = opened.pixels.shape[:2]
    if (width, height) != size:
        raise InputError(
            f"The mask {path.name} has another size than the picture.",
            f"It has {width} x {height} pixels, the picture {size[0]} x {size[1]}.",
            "Draw the mask over the picture itself.",
        )
    return opened.pixels.max(axis=2)


def _denoise(base: Base, asked: Beginning, grown: Extend | None) -> float:
    if asked.denoise is not None:
        return asked.denoise
    if base.role is Role.INPAINTING:
        return GROWN
    return GROWN if grown is not None else PAINTED if asked.mask else OVER


def _size(source: Opened, base: Base) -> tuple[tuple[int, int], list[str]]:
    """The size a picture over this source has when none is asked for."""
    height, width = source.pixels.shape[:2]
    wanted = base.render.width * base.render.height
    scale = 1.0
    if width * height > LARGEST * wanted:
        scale = (wanted / (width * height)) ** 0.5
    sides = tuple(min(MAX_SIDE, max(64, int(side * scale) // 8 * 8)) for side in (width, height))
    notes = []
    if scale != 1.0:
        notes.append(
            f"The picture has {width} x {height} pixels, far more than {base.name} was made for; "
            f"it is drawn over at {sides[0]} x {sides[1]} (--size says otherwise)."
        )
    return (sides[0], sides[1]), notes


def _control(
    workspace: Workspace, base: Base, asked: Beginning, text: str, new: New
) -> tuple[Control, ControlNetwork]:
    wanted = words.control(text)
    name, network = network_for(workspace, base, wanted)
    shown = New()  # what steers is the picture made from it
    origin, opened = _picture(workspace, wanted.picture, shown)
    pixels = opened.pixels if asked.controls_ready else control_pixels(wanted.kind, opened.pixels)
    of = next((edge.parent for edge in shown.edges), None if shown.files else origin)
    control = Control(
        kind=wanted.kind,
        name=name,
        network=network.hash,
        picture=new.put(plain_png(pixels), of),
        weight=wanted.weight,
        start=wanted.start,
        end=wanted.end,
    )
    return control, network


def _reference(workspace: Workspace, base: Base, text: str, new: New) -> Reference:
    wanted = words.reference(text)
    name, network = reference_for(workspace, base, wanted)
    picture, _ = _picture(workspace, wanted.picture, new)
    return Reference(name=name, network=network.hash, picture=picture, weight=wanted.weight)


def control_words(control: Control) -> str:
    """A control as it is written, its picture by the hash of its file."""
    weight, start, end = map(_decimal, (control.weight, control.start, control.end))
    return f"{control.kind.value}@{control.name}:{control.picture}:{weight}:{start}-{end}"


def reference_words(reference: Reference) -> str:
    """A reference as it is written, likewise."""
    return f"{reference.name}@{reference.picture}:{_decimal(reference.weight)}"


def _decimal(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _hires(asked: Beginning, size: str, recipe: Recipe) -> Hires:
    width, height = words.hires_size(size, (recipe.width, recipe.height))
    try:
        return Hires.model_validate(
            {
                "width": width,
                "height": height,
                "steps": asked.hires_steps or recipe.steps,
                "denoise": AGAIN if asked.hires_denoise is None else asked.hires_denoise,
                "by": asked.hires_by,
            }
        )
    except ValidationError as error:
        raise out_of_bounds(error) from error
