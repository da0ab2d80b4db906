"""Recipes and the assets rendered from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive import catalogue, lineage, styles
from duktus.archive.lineage import Edge, Kind
from duktus.archive.schema import assets, recipes
from duktus.domain.asset import Asset, Facts
from duktus.domain.base import Base
from duktus.domain.errors import NotFoundError
from duktus.domain.recipe import Recipe

_SHORTEST = 4
_AT_ONCE = 500
"""Ids in one query, well below SQLite's bound."""


def add_recipe(connection: Connection, base: Base, recipe: Recipe) -> None:
    """Record a recipe and what it names; a known one stays as it is."""
    styles.add_base(connection, base)
    connection.execute(
        insert(recipes)
        .values(
            hash=recipe.hash,
            id=recipe.id,
            base_weights=recipe.base.weights,
            document=recipe.canonical.decode(),
        )
        .on_conflict_do_nothing()
    )
    named = [recipe.base.weights, *(adapter.style for adapter in recipe.adapters), *recipe.pictures]
    lineage.add(connection, [Edge(recipe.hash, parent, Kind.NAMES) for parent in named])


def add(connection: Connection, base: Base, asset: Asset) -> Asset:
    """Record an asset with its recipe and lineage; the one already known when the file is the same."""
    add_recipe(connection, base, asset.recipe)
    connection.execute(
        insert(assets)
        .values(
            id=asset.id,
            file_hash=asset.file_hash,
            pixel_hash=asset.pixel_hash,
            path=asset.path,
            recipe_hash=asset.recipe.hash,
            facts=asset.facts.model_dump_json(),
            created=asset.created.isoformat(),
        )
        .on_conflict_do_nothing()
    )
    catalogue.add(connection, asset)
    lineage.add(connection, [Edge(asset.file_hash, asset.recipe.hash, Kind.RENDERED_FROM)])
    return get(connection, asset.id)


def _rows() -> Select[*tuple[Any, ...]]:
    return select(
        assets.c.id,
        assets.c.file_hash,
        assets.c.pixel_hash,
        assets.c.path,
        assets.c.facts,
        assets.c.created,
        recipes.c.document,
    ).join_from(assets, recipes)


def _asset(row: Row[*tuple[Any, ...]]) -> Asset:
    return Asset.model_validate(
        {
            "id": row.id,
            "file_hash": row.file_hash,
            "pixel_hash": row.pixel_hash,
            "path": row.path,
            "recipe": Recipe.model_validate_json(row.document),
            "facts": Facts.model_validate_json(row.facts),
            "created": row.created,
        }
    )


def get(connection: Connection, asset_id: str) -> Asset:
    """The asset with that id, or whose id alone begins with it; :class:`NotFoundError`."""
    wanted = asset_id if asset_id.startswith("a-") else f"a-{asset_id}"
    found: list[Row[*tuple[Any, ...]]] = []
    if len(wanted) >= _SHORTEST + 2:
        after = f"{wanted}g"  # beyond every further hex digit; unlike LIKE, a comparison uses the index
        found = list(connection.execute(_rows().where(assets.c.id >= wanted, assets.c.id < after).limit(2)))
    if len(found) == 1:
        return _asset(found[0])
    if found:
        raise NotFoundError(
            f"'{asset_id}' is the beginning of more than one asset's id.",
            f"For instance {found[0].id} and {found[1].id}.",
            "Give more of its digits.",
        )
    total = connection.execute(select(func.count()).select_from(assets)).scalar_one()
    raise NotFoundError(
        f"No asset is known as '{asset_id}'.",
        f"The workspace holds {total} asset{'' if total == 1 else 's'}; ids look like a-0123456789abcdef.",
        "duktus series show NAME lists the ids of a series.",
    )


def several(connection: Connection, asset_ids: Iterable[str]) -> dict[str, Asset]:
    """The assets with those whole ids, by id and in that order; ids that are not known are left out."""
    wanted = list(dict.fromkeys(asset_ids))
    found: dict[str, Asset] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found.update(
            {row.id: _asset(row) for row in connection.execute(_rows().where(assets.c.id.in_(some)))}
        )
    return {asset_id: found[asset_id] for asset_id in wanted if asset_id in found}


def known(connection: Connection, asset_id: str) -> bool:
    """Whether there is an asset with that whole id."""
    return connection.execute(select(assets.c.id).where(assets.c.id == asset_id)).first() is not None


def by_file_hash(connection: Connection, file_hash: str) -> Asset | None:
    """The asset whose file has that SHA-256, or None."""
    row = connection.execute(_rows().where(assets.c.file_hash == file_hash)).first()
    return None if row is None else _asset(row)


def by_pixel_hash(connection: Connection, pixel_hash: str) -> Asset | None:
    """The oldest asset with those pixels, or None."""
    row = connection.execute(
        _rows().where(assets.c.pixel_hash == pixel_hash).order_by(assets.c.created)
    ).first()
    return None if row is None else _asset(row)


def count(connection: Connection) -> int:
    """How many assets there are."""
    return connection.execute(select(func.count()).select_from(assets)).scalar_one()


def of_recipe(connection: Connection, recipe_hash: str) -> set[str]:
    """The ids of the assets rendered from a recipe."""
    found = connection.execute(select(assets.c.id).where(assets.c.recipe_hash == recipe_hash))
    return set(found.scalars())


def file_hashes(connection: Connection) -> list[str]:
    """The file hashes of all assets."""
    return list(connection.execute(select(assets.c.file_hash)).scalars())
