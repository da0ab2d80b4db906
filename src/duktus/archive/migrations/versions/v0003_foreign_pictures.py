"""Pictures of other programs, and the places where they were found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "foreign_pictures",
        sa.Column("id", sa.String(18), primary_key=True),
        sa.Column("file_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("pixel_hash", sa.String(64), nullable=False, index=True),
        sa.Column("tool", sa.Text, nullable=False, index=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_table(
        "foreign_sources",
        sa.Column("file_hash", sa.String(64), sa.ForeignKey("foreign_pictures.file_hash"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("file_hash", "source"),
    )


def downgrade() -> None:
    """Not offered: an archive is only ever carried forward."""
    raise NotImplementedError
