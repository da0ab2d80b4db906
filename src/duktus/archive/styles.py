"""Styles and the bases they belong to."""

from __future__ import annotations

from difflib import get_close_matches

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from duktus.archive import lineage
from duktus.archive.lineage import Edge, Kind
from duktus.archive.schema import bases, styles
from duktus.archive.times import now
from duktus.domain.base import Base
from duktus.domain.errors import ConflictError, NotFoundError
from duktus.domain.style import Style


def add_base(connection: Connection, base: Base) -> None:
    """Record a base; one already known by its weights stays as it is."""
    connection.execute(
        insert(bases)
        .values(
            weights=base.weights,
            name=base.name,
            family=base.family,
            document=base.model_dump_json(),
            created=now().isoformat(),
        )
        .on_conflict_do_nothing()
    )


def add(connection: Connection, base: Base, style: Style) -> None:
    """Record a style with its lineage. Under a name in use it becomes what the name means from now on;
    the earlier one stays, and pictures made with it go on naming it by its hash.
    """
    add_base(connection, base)
    connection.execute(
        insert(styles)
        .values(
            name=style.name,
            hash=style.hash,
            file_hash=style.file_hash,
            base_weights=style.base.weights,
            document=style.model_dump_json(),
            created=style.created.isoformat(),
        )
        .on_conflict_do_nothing()
    )
    kind = Kind.TAUGHT_ON if style.imported is None else Kind.FITS
    lineage.add(connection, [Edge(style.hash, base.weights, kind)])
    if style.imported is not None:
        lineage.add(connection, [Edge(style.hash, style.imported.file_hash, Kind.BROUGHT_IN_FROM)])
    lineage.add(
        connection, [Edge(style.hash, picture, Kind.TAUGHT_FROM) for picture in style.training_pictures]
    )
    lineage.add(
        connection, [Edge(style.hash, picture, Kind.TAUGHT_BESIDE) for picture in style.class_pictures]
    )


def has(connection: Connection, name: str) -> bool:
    """Whether a style of that name is known."""
    return connection.execute(select(styles.c.name).where(styles.c.name == name)).first() is not None


def name_taken(name: str) -> ConflictError:
    """The error for a style name that is in use."""
    return ConflictError(
        f"There is already a style named '{name}'.",
        "A style is never overwritten, because pictures refer to it.",
        "Choose another --name, or add --resume and more --steps to teach this one on.",
    )


def get(connection: Connection, name: str) -> Style:
    """The style of that name, the newest; :class:`NotFoundError` naming the nearest one."""
    document = connection.execute(
        select(styles.c.document).where(styles.c.name == name).order_by(styles.c.created.desc())
    ).scalar()
    if document is not None:
        return Style.model_validate_json(document)
    names = list(connection.execute(select(styles.c.name).distinct().order_by(styles.c.name)).scalars())
    near = get_close_matches(name, names, 1)
    known = f"Did you mean '{near[0]}'?" if near else (f"Known: {', '.join(names)}." if names else "")
    raise NotFoundError(
        f"No style is named '{name}'.",
        known or "No style has been taught in this workspace yet.",
        "duktus style list shows them; duktus style teach FOLDER makes one.",
    )


def by_hash(connection: Connection, style_hash: str) -> Style:
    """A style with that tensor hash; :class:`NotFoundError`."""
    document = connection.execute(
        select(styles.c.document).where(styles.c.hash == style_hash).order_by(styles.c.created)
    ).scalar()
    if document is None:
        raise NotFoundError(
            f"The style {style_hash[:16]}... is not in this workspace.",
            "The recipe names it, but its file was never taught or brought in here.",
            "Open the workspace in which it was taught.",
        )
    return Style.model_validate_json(document)


def everyone(connection: Connection) -> list[Style]:
    """What every name means now, oldest first."""
    rows = connection.execute(select(styles.c.document).order_by(styles.c.created, styles.c.name)).scalars()
    newest = {style.name: style for style in map(Style.model_validate_json, rows)}
    return sorted(newest.values(), key=lambda style: style.created)
