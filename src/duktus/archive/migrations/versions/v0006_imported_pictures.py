"""Pictures of other programs are searched, decided about, collected and gone on from like our own.

Four tables named assets only, by a foreign key. They are written anew without it, and a trigger refuses what
is neither an asset nor an imported picture. SQLite's own way of doing so needs foreign keys switched off,
which is possible only outside a transaction: the archive does that around all steps, and checks the keys
after them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SEARCHED = (
    "base", "strength", "cfg", "steps", "seed", "sampler", "schedule", "created", "verdict", "stars", "label",
    "tool",
)  # fmt: skip

_IMPORTED = """
INSERT INTO catalogue
(asset, tool, base, style, strength, cfg, steps, seed, sampler, schedule, width, height, created)
SELECT id, tool,
       coalesce(json_extract(document, '$.recipe.base.name'), json_extract(document, '$.foreign.model.name')),
       json_extract(document, making || '.adapters[0].name'),
       json_extract(document, making || '.adapters[0].strength'),
       json_extract(document, making || '.cfg'),
       json_extract(document, making || '.steps'),
       json_extract(document, making || '.seed'),
       json_extract(document, making || '.sampler'),
       json_extract(document, making || '.schedule'),
       json_extract(document, '$.width'),
       json_extract(document, '$.height'),
       created
FROM (SELECT *, CASE WHEN json_extract(document, '$.recipe') IS NULL THEN '$.foreign' ELSE '$.recipe' END
      AS making FROM foreign_pictures)
ORDER BY created, id
"""
_STYLE_USES = """
INSERT OR IGNORE INTO style_uses (name, entry, strength)
SELECT json_extract(adapter.value, '$.name'), catalogue.entry, json_extract(adapter.value, '$.strength')
FROM catalogue JOIN foreign_pictures ON foreign_pictures.id = catalogue.asset,
json_each(foreign_pictures.document,
          CASE WHEN json_extract(document, '$.recipe') IS NULL THEN '$.foreign' ELSE '$.recipe' END
          || '.adapters')
AS adapter
"""
_WORDS = """
INSERT INTO prompt_words (rowid, prompt, negative)
SELECT entry,
       coalesce(json_extract(document, '$.recipe.prompt'), json_extract(document, '$.foreign.prompt'), ''),
       coalesce(json_extract(document, '$.recipe.negative_prompt'),
                json_extract(document, '$.foreign.negative_prompt'), '')
FROM catalogue JOIN foreign_pictures ON foreign_pictures.id = catalogue.asset
ORDER BY entry
"""


def upgrade() -> None:
    """Write the four tables anew, and enter what was imported so far."""
    _decisions()
    _catalogue()
    _collection_members()
    _descents()
    for table, column in (
        ("decisions", "asset"),
        ("catalogue", "asset"),
        ("collection_members", "asset"),
        ("descents", "parent"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_of_a_known_picture BEFORE INSERT ON {table} "  # noqa: S608 - of constants
            f"WHEN NOT EXISTS (SELECT 1 FROM assets WHERE id = NEW.{column}) "
            f"AND NOT EXISTS (SELECT 1 FROM foreign_pictures WHERE id = NEW.{column}) "
            "BEGIN SELECT RAISE(ABORT, 'no such picture'); END"
        )
    for table in ("decisions", "descents"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )
    for statement in (_IMPORTED, _STYLE_USES, _WORDS):
        op.execute(statement)


def _instead(table: str, columns: str) -> None:
    """Put ``table_anew`` in the place of ``table`` with its rows."""
    op.execute(f"INSERT INTO {table}_anew ({columns}) SELECT {columns} FROM {table}")  # noqa: S608 - of constants
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_anew RENAME TO {table}")


def _decisions() -> None:
    op.create_table(
        "decisions_anew",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("asset", sa.String(18), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("stars", sa.Integer, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("undoes", sa.Integer, sa.ForeignKey("decisions_anew.id"), nullable=True),
        sa.Column("label", sa.Text, nullable=True),
        sa.UniqueConstraint("undoes"),
        sqlite_autoincrement=True,
    )
    _instead("decisions", "id, asset, kind, stars, reason, author, created, undoes, label")
    op.create_index("ix_decisions_asset", "decisions", ["asset"])


def _catalogue() -> None:
    op.create_table(
        "catalogue_anew",
        sa.Column("entry", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("asset", sa.String(18), nullable=False),
        sa.Column("base", sa.Text, nullable=True),
        sa.Column("style", sa.Text, nullable=True),
        sa.Column("strength", sa.Float, nullable=True),
        sa.Column("cfg", sa.Float, nullable=True),
        sa.Column("steps", sa.Integer, nullable=True),
        sa.Column("seed", sa.Integer, nullable=True),
        sa.Column("sampler", sa.Text, nullable=True),
        sa.Column("schedule", sa.Text, nullable=True),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=True),
        sa.Column("stars", sa.Integer, nullable=True),
        sa.Column("label", sa.Text, nullable=True),
        sa.Column("tool", sa.Text, nullable=True),
        sqlite_autoincrement=True,
    )
    _instead(
        "catalogue",
        "entry, asset, base, style, strength, cfg, steps, seed, sampler, schedule, width, height, created, "
        "verdict, stars, label",
    )
    op.create_index("ix_catalogue_asset", "catalogue", ["asset"], unique=True)
    for name in _SEARCHED:
        op.create_index(f"ix_catalogue_{name}", "catalogue", [name])


def _collection_members() -> None:
    op.create_table(
        "collection_members_anew",
        sa.Column("collection", sa.Text, sa.ForeignKey("collections.name"), nullable=False),
        sa.Column("asset", sa.String(18), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("added", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("collection", "asset"),
    )
    _instead("collection_members", "collection, asset, place, author, added")


def _descents() -> None:
    op.create_table(
        "descents_anew",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("child", sa.String(18), sa.ForeignKey("assets.id"), nullable=False),
        sa.Column("parent", sa.String(18), nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("fresh", sa.Boolean, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    _instead("descents", "id, child, parent, changes, fresh, author, created")
    for name in ("child", "parent"):
        op.create_index(f"ix_descents_{name}", "descents", [name])


def downgrade() -> None:
    """Not offered: an archive is only ever carried forward."""
    raise NotImplementedError
