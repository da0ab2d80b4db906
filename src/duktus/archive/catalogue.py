"""The rows that are searched: one for each asset, kept beside it in the same transaction."""

from __future__ import annotations

from sqlalchemy import Connection, update
from sqlalchemy.dialects.sqlite import insert

from duktus.archive.schema import catalogue, prompt_words, style_uses
from duktus.domain.asset import Asset
from duktus.domain.decision import Standing


def add(connection: Connection, asset: Asset) -> bool:
    """Enter an asset; False when it was there already, which changes nothing."""
    recipe = asset.recipe
    first = recipe.adapters[0] if recipe.adapters else None
    entry = connection.execute(
        insert(catalogue)
        .values(
            asset=asset.id,
            base=recipe.base.name,
            style=first.name if first else None,
            strength=first.strength if first else None,
            cfg=recipe.cfg,
            steps=recipe.steps,
            seed=recipe.seed,
            sampler=recipe.sampler.value,
            schedule=recipe.schedule.value,
            width=recipe.width,
            height=recipe.height,
            created=asset.created.isoformat(),
        )
        .on_conflict_do_nothing()
        .returning(catalogue.c.entry)
    ).scalar()
    if entry is None:
        return False
    if recipe.adapters:
        connection.execute(
            insert(style_uses).on_conflict_do_nothing(),
            [{"name": one.name, "entry": entry, "strength": one.strength} for one in recipe.adapters],
        )
    connection.execute(
        prompt_words.insert().values(rowid=entry, prompt=recipe.prompt, negative=recipe.negative_prompt)
    )
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
