"""The prompt library, and the sweep file that each series keeps of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both."""
    op.add_column("series", sa.Column("definition", sa.Text, nullable=True))
    op.create_table(
        "snippets",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.UniqueConstraint("name", "version"),
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER snippets_no_{change.lower()} BEFORE {change} ON snippets "
            "BEGIN SELECT RAISE(ABORT, 'snippets are append-only'); END"
        )


def downgrade() -> None:
    """Not offered: an archive is only ever carried forward."""
    raise NotImplementedError
