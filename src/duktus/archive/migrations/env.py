"""Runs the steps on the connection that the archive hands over."""

from __future__ import annotations

from alembic import context

from duktus.archive.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
