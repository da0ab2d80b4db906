"""How what lies beside a base is found: the first that fits it, or the one of a hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from duktus.domain.errors import InputError, MismatchError, NotFoundError

Found = TypeVar("Found")
BROKEN = (InputError, NotFoundError, MismatchError)
"""What is said of a network that cannot be read, or is no longer the one that was added."""


def first_that_fits(
    names: Iterable[str], describe: Callable[[str], Found], check: Callable[[Found], None]
) -> tuple[str, Found] | tuple[str, MismatchError] | None:
    """Name and network of the first that ``check`` lets pass; where none does, the name of the first one and
    what is wrong with it; None where there are no names.
    """
    first: tuple[str, MismatchError] | None = None
    for name in names:
        network = describe(name)
        try:
            check(network)
        except MismatchError as error:
            first = first or (name, error)
            continue
        return name, network
    return first


def with_hash(
    names: Iterable[str],
    name: str,
    describe: Callable[[str], Found],
    fits: Callable[[Found], bool],
) -> Found | None:
    """The one among ``names`` that ``fits``. The one called ``name`` is looked at first, because hashing a
    network reads the whole file; another one that is broken is passed over.
    """
    for candidate in sorted(names, key=lambda one: one != name):
        try:
            known = describe(candidate)
        except BROKEN:
            if candidate == name:
                raise
            continue
        if fits(known):
            return known
    return None
