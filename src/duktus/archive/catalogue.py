"""The rows that are searched: one for each picture, ours or imported, written in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from duktus.archive.schema import catalogue, prompt_words, style_uses
from duktus.domain.asset import Asset
from duktus.domain.decision import Standing
from duktus.domain.foreign import ForeignPicture, ForeignRecipe
from duktus.domain.recipe import Recipe

_LARGEST = 2**63 - 1
"""Integer of SQLite."""


def add(connection: Connection, asset: Asset) -> bool:
    """Enter an asset; False when it was there already, which changes nothing."""
    recipe = asset.recipe
    row = {**_searched(recipe), "base": recipe.base.name, "width": recipe.width, "height": recipe.height}
    return _enter(connection, {**row, "asset": asset.id, "created": asset.created.isoformat()}, recipe)


def add_imported(connection: Connection, picture: ForeignPicture) -> bool:
    """Enter an imported picture with what its file says, under its own size; False when it was there."""
    said = picture.said
    row: dict[str, Any] = _searched(said) if said else {}
    if isinstance(said, Recipe):
        row["base"] = said.base.name
    elif said is not None and said.model is not None:
        row["base"] = said.model.name
    if (row.get("seed") or 0) > _LARGEST:
        row["seed"] = float(row["seed"])  # what SQLite itself makes of a larger one
    row |= {"asset": picture.id, "tool": picture.tool, "created": picture.created.isoformat()}
    return _enter(connection, {**row, "width": picture.width, "height": picture.height}, said)


def _searched(said: Recipe | ForeignRecipe) -> dict[str, Any]:
    first = said.adapters[0] if said.adapters else None
    return {
        "style": first.name if first else None,
        "strength": first.strength if first else None,
        "cfg": said.cfg,
        "steps": said.steps,
        "seed": said.seed,
        "sampler": str(said.sampler) if said.sampler else None,
        "schedule": str(said.schedule) if said.schedule else None,
    }


def _enter(connection: Connection, row: dict[str, Any], said: Recipe | ForeignRecipe | None) -> bool:
    statement = insert(catalogue).values(row).on_conflict_do_nothing().returning(catalogue.c.entry)
    entry = connection.execute(statement).scalar()
    if entry is None:
        return False
    if said is not None and said.adapters:
        connection.execute(
            insert(style_uses).on_conflict_do_nothing(),
            [{"name": one.name, "entry": entry, "strength": one.strength} for one in said.adapters],
        )
    prompt, negative = (said.prompt or "", said.negative_prompt or "") if said else ("", "")
    connection.execute(prompt_words.insert().values(rowid=entry, prompt=prompt, negative=negative))
    return True


def set_standing(connection: Connection, asset_id: str, standing: Standing) -> None:
    """Say what counts for an asset now."""
    connection.execute(
        update(catalogue)
        .where(catalogue.c.asset == asset_id)
        .values(
            verdict=standing.verdict.value if standing.verdict else None,
            stars=standing.stars,
            label=standing.label.value if standing.label else None,
        )
    )


def has(connection: Connection, column: str, value: str) -> bool:
    """Whether any picture has that value."""
    wanted = select(catalogue.c.entry).where(catalogue.c[column] == value).limit(1)
    return connection.execute(wanted).first() is not None
