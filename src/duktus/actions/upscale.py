"""`duktus upscale`: an asset, larger."""

from __future__ import annotations

import time
from pathlib import Path

from duktus.actions.beginnings.upscalers import upscaler_for
from duktus.actions.descending import record_child
from duktus.actions.devices import pick_device
from duktus.actions.looking import Named, looked_at, named_picture
from duktus.actions.progress import Progress, Silent, Tick
from duktus.actions.render import FOLDER, Rendered, check_out, copy_all
from duktus.actions.rendering import Job, Kept, keep_picture, record
from duktus.actions.verify import base_of
from duktus.actions.workspace import Workspace
from duktus.archive import assets
from duktus.archive.disk import explained
from duktus.domain.asset import Asset
from duktus.domain.base import Base
from duktus.domain.beginning import Upscale
from duktus.domain.errors import ConflictError, InputError
from duktus.domain.recipe import Recipe
from duktus.rendering import Picture
from duktus.rendering.facts import current_facts
from duktus.rendering.files import read_pixels
from duktus.rendering.upscaling import Upscaler

TILE, OVERLAP = 192, 16


def upscale(
    workspace: Workspace,
    name: str,
    *,
    using: str | None = None,
    tile: int = TILE,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Rendered:
    """Enlarge an asset and keep the larger picture, whose recipe is the asset's with the upscaler.

    Verifying it renders the picture anew and enlarges that, so the larger picture is as provable as the
    asset itself.
    """
    told = progress or Silent()
    if not isinstance(looked_at(workspace, name).said, Recipe):
        raise InputError(
            f"{name} has no recipe of duktus, so what is made of it could not be proven.",
            "Enlarging keeps the recipe of a picture and adds the upscaler to it.",
            f'Draw over it at a larger size: duktus render "..." --image {name} --size WxH --denoise 0.3.',
        )
    found = named_picture(workspace, name)
    if found.recipe.upscale is not None:
        raise ConflictError(
            f"{name} was enlarged already.", "A recipe has one upscaler.", "Enlarge the picture it came from."
        )
    check_out(out, 1)
    if not 64 <= tile <= 2048:
        raise InputError(f"tile {tile} cannot be used.", "It is 64 to 2048 pixels.", f"Take {TILE}.")
    label, network = upscaler_for(workspace, using)
    base = base_of(workspace, found.recipe)
    workspace.prepare()
    told.say(f"Loading the upscaler {label}.")
    device = pick_device(workspace.device)
    upscaler = Upscaler(network, device)
    how = Upscale(name=label, network=network.hash, factor=upscaler.factor, tile=tile, overlap=OVERLAP)
    started = time.perf_counter()
    pixels = upscaler.enlarge(
        read_pixels(found.path), how, lambda done, total: told.tick(Tick("tiles", done, total))
    )
    recipe = found.recipe.model_copy(update={"upscale": how})
    facts = current_facts(upscaler.device, time.perf_counter() - started)
    picture = Picture(index=0, recipe=recipe, pixels=pixels, facts=facts, steps_strip=None)
    with explained(workspace.root):
        kept = keep_picture(workspace, Job(recipe, workspace.root / "pictures" / FOLDER, ""), picture)
        asset = _recorded(workspace, base, found, kept)
    with explained(out or workspace.root):
        copies = copy_all(workspace, (asset,), out) if out else ()
    return Rendered((asset,), (), copies)


def _recorded(workspace: Workspace, base: Base, found: Named, kept: Kept) -> Asset:
    if found.asset is None:  # a file from elsewhere: its recipe is all there is of it here
        return record(workspace, base, kept)
    with workspace.archive.read() as connection:
        there = kept.asset.id in assets.of_recipe(connection, kept.asset.recipe.hash)
    return record_child(workspace, base, found.asset, kept, fresh=not there)[0]
