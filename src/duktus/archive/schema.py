"""The tables. What they mean is said in ``docs/`` and in the domain types they hold.

Documents (a style, the facts of an asset) are kept as JSON text of their domain type, beside the columns
that are searched. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0001"
"""The newest migration that this version of duktus knows."""

METADATA = MetaData()

bases = Table(
    "bases",
    METADATA,
    Column("weights", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("created", Text, nullable=False),
)

styles = Table(
    "styles",
    METADATA,
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False, index=True),
    Column("file_hash", String(64), nullable=False),
    Column("base_weights", ForeignKey("bases.weights"), nullable=False),
    Column("document", Text, nullable=False),
    Column("created", Text, nullable=False),
    PrimaryKeyConstraint("name", "hash"),
)
"""A style taught on under its name (``--resume --steps``) is a further row; the newest counts."""

recipes = Table(
    "recipes",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("id", String(18), nullable=False, index=True),
    Column("base_weights", ForeignKey("bases.weights"), nullable=False),
    Column("document", Text, nullable=False),
)

assets = Table(
    "assets",
    METADATA,
    Column("id", String(18), primary_key=True),
    Column("file_hash", String(64), nullable=False, unique=True),
    Column("pixel_hash", String(64), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("recipe_hash", ForeignKey("recipes.hash"), nullable=False, index=True),
    Column("facts", Text, nullable=False),
    Column("created", Text, nullable=False),
)

series = Table(
    "series",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("plan", String(64), nullable=False),
    Column("axes", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("created", Text, nullable=False),
)

cells = Table(
    "cells",
    METADATA,
    Column("series", ForeignKey("series.name"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("coordinates", Text, nullable=False),
    Column("recipe_hash", ForeignKey("recipes.hash"), nullable=False),
    Column("asset", ForeignKey("assets.id"), nullable=True),
    PrimaryKeyConstraint("series", "position"),
)

edges = Table(
    "edges",
    METADATA,
    Column("child", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("kind", Text, nullable=False),
    PrimaryKeyConstraint("child", "parent", "kind"),
    Index("ix_edges_parent", "parent"),
)

decisions = Table(
    "decisions",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("asset", ForeignKey("assets.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("stars", Integer, nullable=True),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("undoes", ForeignKey("decisions.id"), nullable=True),
    UniqueConstraint("undoes"),
    sqlite_autoincrement=True,
)

APPEND_ONLY = ("decisions", "edges")
"""Tables whose rows a trigger keeps from being changed or deleted."""
