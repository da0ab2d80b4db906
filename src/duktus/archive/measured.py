"""What rendering has cost so far, for telling what it will cost."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from duktus.archive.schema import assets, recipes
from duktus.domain.asset import Facts
from duktus.domain.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Cost:
    """One picture that was rendered: in how many seconds, and which file it became."""

    recipe: Recipe
    facts: Facts
    file_hash: str


def newest(connection: Connection, weights: str, limit: int) -> list[Cost]:
    """The newest pictures rendered with the base of those weights, newest first."""
    rows = connection.execute(
        select(assets.c.facts, assets.c.file_hash, recipes.c.document)
        .join_from(assets, recipes)
        .where(recipes.c.base_weights == weights)
        .order_by(assets.c.created.desc())
        .limit(limit)
    )
    return [
        Cost(Recipe.model_validate_json(row.document), Facts.model_validate_json(row.facts), row.file_hash)
        for row in rows
    ]
