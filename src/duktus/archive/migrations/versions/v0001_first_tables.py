"""The first tables, and the triggers that keep decisions and lineage append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "bases",
        sa.Column("weights", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_table(
        "styles",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, index=True),
        sa.Column("file_hash", sa.String(64), nullable=False),
        sa.Column("base_weights", sa.String(64), sa.ForeignKey("bases.weights"), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", "hash"),
    )
    op.create_table(
        "recipes",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(18), nullable=False, index=True),
        sa.Column("base_weights", sa.String(64), sa.ForeignKey("bases.weights"), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.String(18), primary_key=True),
        sa.Column("file_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("pixel_hash", sa.String(64), nullable=False, index=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("recipe_hash", sa.String(64), sa.ForeignKey("recipes.hash"), nullable=False, index=True),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_table(
        "series",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("axes", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_table(
        "cells",
        sa.Column("series", sa.Text, sa.ForeignKey("series.name"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("coordinates", sa.Text, nullable=False),
        sa.Column("recipe_hash", sa.String(64), sa.ForeignKey("recipes.hash"), nullable=False),
        sa.Column("asset", sa.String(18), sa.ForeignKey("assets.id"), nullable=True),
        sa.PrimaryKeyConstraint("series", "position"),
    )
    op.create_table(
        "edges",
        sa.Column("child", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("child", "parent", "kind"),
    )
    op.create_index("ix_edges_parent", "edges", ["parent"])
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("asset", sa.String(18), sa.ForeignKey("assets.id"), nullable=False, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("stars", sa.Integer, nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("undoes", sa.Integer, sa.ForeignKey("decisions.id"), nullable=True),
        sa.UniqueConstraint("undoes"),
        sqlite_autoincrement=True,
    )
    for table in ("decisions", "edges"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )


def downgrade() -> None:
    """Not offered: an archive is only ever carried forward."""
    raise NotImplementedError
