"""The tables. What they mean is said in ``docs/`` and in the domain types they hold.

Documents (a style, the facts of an asset) are kept as JSON text of their domain type, beside the columns
that are searched. Times are ISO 8601 in UTC.

Where a column is named ``asset`` (of descents: ``parent``) without a foreign key, it holds the id of an asset
or of an imported picture; a trigger refuses every other.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy import column as bare_column
from sqlalchemy import table as bare_table

HEAD = "0006"
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
    Column("definition", Text, nullable=True),
)
"""``definition``: its sweep file; None for a series that an earlier version began."""

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
    Column("asset", String(18), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("stars", Integer, nullable=True),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("undoes", ForeignKey("decisions.id"), nullable=True),
    Column("label", Text, nullable=True),
    UniqueConstraint("undoes"),
    sqlite_autoincrement=True,
)

catalogue = Table(
    "catalogue",
    METADATA,
    Column("entry", Integer, primary_key=True, autoincrement=True),
    Column("asset", String(18), nullable=False),
    Column("base", Text, nullable=True),
    Column("style", Text, nullable=True),
    Column("strength", Float, nullable=True),
    Column("cfg", Float, nullable=True),
    Column("steps", Integer, nullable=True),
    Column("seed", Integer, nullable=True),
    Column("sampler", Text, nullable=True),
    Column("schedule", Text, nullable=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("created", Text, nullable=False),
    Column("verdict", Text, nullable=True),
    Column("stars", Integer, nullable=True),
    Column("label", Text, nullable=True),
    Column("tool", Text, nullable=True),
    Index("ix_catalogue_asset", "asset", unique=True),
    *(
        Index(f"ix_catalogue_{name}", name)
        for name in (
            "base",
            "strength",
            "cfg",
            "steps",
            "seed",
            "sampler",
            "schedule",
            "created",
            "verdict",
            "stars",
            "label",
            "tool",
        )
    ),
    sqlite_autoincrement=True,
)
"""One row for each asset and each imported picture with what is searched and sorted by, taken from its recipe
and its standing. ``tool`` is None for an asset, else the program that made an imported picture, empty when
unknown; such a picture has None where its file says nothing.

``entry`` counts in the order of recording, so that "newest first" is the order of the table itself, of every
index on one value, and of the words below. ``style`` and ``strength`` are those of the first style.
"""

style_uses = Table(
    "style_uses",
    METADATA,
    Column("name", Text, nullable=False),
    Column("entry", ForeignKey("catalogue.entry"), nullable=False),
    Column("strength", Float, nullable=False),
    PrimaryKeyConstraint("name", "entry"),
    Index("ix_style_uses_strength", "name", "strength"),
    sqlite_with_rowid=False,
)
"""Every style of every asset: a picture may have several."""

prompt_words = bare_table(
    "prompt_words", bare_column("rowid"), bare_column("prompt"), bare_column("negative")
)
"""The words of prompts: an FTS5 index whose rows are those of the catalogue. It keeps no text of its own.
``prefix``: the rows of every beginning of one to three letters are listed too, so that ``por*`` is one list.
"""

PROMPT_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS prompt_words USING fts5("
    "prompt, negative, content='', prefix='1 2 3', tokenize='unicode61 remove_diacritics 2')"
)
event.listen(METADATA, "after_create", DDL(PROMPT_WORDS))

descents = Table(
    "descents",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("child", ForeignKey("assets.id"), nullable=False, index=True),
    Column("parent", String(18), nullable=False, index=True),
    Column("changes", Text, nullable=False),
    Column("fresh", Boolean, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""From which picture a person went on to which, and what they changed. ``fresh``: the child was new then."""

aims = Table(
    "aims",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
    Index("ix_aims_subject", "kind", "subject"),
    sqlite_autoincrement=True,
)
"""What was sought with an asset, a series or a collection; the newest counts."""

collections = Table(
    "collections",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
)

collection_members = Table(
    "collection_members",
    METADATA,
    Column("collection", ForeignKey("collections.name"), nullable=False),
    Column("asset", String(18), nullable=False),
    Column("place", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("added", Text, nullable=False),
    PrimaryKeyConstraint("collection", "asset"),
)

saved_searches = Table(
    "saved_searches",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("query", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
)

foreign_pictures = Table(
    "foreign_pictures",
    METADATA,
    Column("id", String(18), primary_key=True),
    Column("file_hash", String(64), nullable=False, unique=True),
    Column("pixel_hash", String(64), nullable=False, index=True),
    Column("tool", Text, nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("created", Text, nullable=False),
)
"""Pictures taken in from elsewhere. Not assets: none of our recipes is known to have made them."""

foreign_sources = Table(
    "foreign_sources",
    METADATA,
    Column("file_hash", ForeignKey("foreign_pictures.file_hash"), nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("file_hash", "source"),
)
"""Every place where a foreign picture was found."""

snippets = Table(
    "snippets",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
    UniqueConstraint("name", "version"),
)

APPEND_ONLY = ("decisions", "edges", "descents", "aims", "snippets")
"""Tables whose rows a trigger keeps from being changed or deleted."""
