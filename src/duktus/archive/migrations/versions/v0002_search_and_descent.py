"""Labels and redo, the catalogue that is searched, descents and aims, collections, saved searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INDEXED = (
    "base", "strength", "cfg", "steps", "seed", "sampler", "schedule", "created", "verdict", "stars", "label"
)  # fmt: skip

_CATALOGUE = """
INSERT INTO catalogue
(asset, base, style, strength, cfg, steps, seed, sampler, schedule, width, height, created)
SELECT assets.id,
       json_extract(recipes.document, '$.base.name'),
       json_extract(recipes.document, '$.adapters[0].name'),
       json_extract(recipes.document, '$.adapters[0].strength'),
       json_extract(recipes.document, '$.cfg'),
       json_extract(recipes.document, '$.steps'),
       json_extract(recipes.document, '$.seed'),
       json_extract(recipes.document, '$.sampler'),
       json_extract(recipes.document, '$.schedule'),
       json_extract(recipes.document, '$.width'),
       json_extract(recipes.document, '$.height'),
       assets.created
FROM assets JOIN recipes ON recipes.hash = assets.recipe_hash
ORDER BY assets.created, assets.rowid
"""
_STYLE_USES = """
INSERT OR IGNORE INTO style_uses (name, entry, strength)
SELECT json_extract(adapter.value, '$.name'), catalogue.entry, json_extract(adapter.value, '$.strength')
FROM catalogue
JOIN assets ON assets.id = catalogue.asset
JOIN recipes ON recipes.hash = assets.recipe_hash,
json_each(recipes.document, '$.adapters') AS adapter
"""
_WORDS = """
INSERT INTO prompt_words (rowid, prompt, negative)
SELECT catalogue.entry,
       json_extract(recipes.document, '$.prompt'),
       coalesce(json_extract(recipes.document, '$.negative_prompt'), '')
FROM catalogue
JOIN assets ON assets.id = catalogue.asset
JOIN recipes ON recipes.hash = assets.recipe_hash
ORDER BY catalogue.entry
"""
_STANDING = """
WITH counting AS (
  SELECT * FROM decisions
  WHERE id NOT IN (SELECT undoes FROM decisions WHERE undoes IS NOT NULL)
)
UPDATE catalogue SET
  verdict = (SELECT kind FROM counting WHERE asset = catalogue.asset AND kind IN ('keep', 'discard')
             ORDER BY id DESC LIMIT 1),
  stars = (SELECT stars FROM counting WHERE asset = catalogue.asset AND kind = 'rate'
           ORDER BY id DESC LIMIT 1)
WHERE asset IN (SELECT asset FROM decisions)
"""


def upgrade() -> None:
    """Add the tables, and fill the catalogue from what is there."""
    op.add_column("decisions", sa.Column("label", sa.Text, nullable=True))
    _add_catalogue()
    _add_descents()
    _add_collections()
    for table in ("descents", "aims"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )
    for statement in (_CATALOGUE, _STYLE_USES, _WORDS, _STANDING):
        op.execute(statement)


def _add_catalogue() -> None:
    op.create_table(
        "catalogue",
        sa.Column("entry", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("asset", sa.String(18), sa.ForeignKey("assets.id"), nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("style", sa.Text, nullable=True),
        sa.Column("strength", sa.Float, nullable=True),
        sa.Column("cfg", sa.Float, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("sampler", sa.Text, nullable=False),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=True),
        sa.Column("stars", sa.Integer, nullable=True),
        sa.Column("label", sa.Text, nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_catalogue_asset", "catalogue", ["asset"], unique=True)
    for name in _INDEXED:
        op.create_index(f"ix_catalogue_{name}", "catalogue", [name])
    op.create_table(
        "style_uses",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("entry", sa.Integer, sa.ForeignKey("catalogue.entry"), nullable=False),
        sa.Column("strength", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", "entry"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_style_uses_strength", "style_uses", ["name", "strength"])
    op.execute(
        "CREATE VIRTUAL TABLE prompt_words USING fts5("
        "prompt, negative, content='', tokenize='unicode61 remove_diacritics 2')"
    )


def _add_descents() -> None:
    op.create_table(
        "descents",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("child", sa.String(18), sa.ForeignKey("assets.id"), nullable=False, index=True),
        sa.Column("parent", sa.String(18), sa.ForeignKey("assets.id"), nullable=False, index=True),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("fresh", sa.Boolean, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "aims",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_aims_subject", "aims", ["kind", "subject"])


def _add_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_table(
        "collection_members",
        sa.Column("collection", sa.Text, sa.ForeignKey("collections.name"), nullable=False),
        sa.Column("asset", sa.String(18), sa.ForeignKey("assets.id"), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("added", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("collection", "asset"),
    )
    op.create_table(
        "saved_searches",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Not offered: an archive is only ever carried forward."""
    raise NotImplementedError
