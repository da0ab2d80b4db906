"""How what lies beside a base is found: the first that fits it, or the one of a hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from duktus.domain.errors import InputError, MismatchError, NotFoundError

Found = TypeVar("Found")
BROKEN = (InputError, NotFoundError)
"""What is said of a network that cannot be read."""


def first_that_fits(
    names: Iterable[str], describe: Callable[[str], Found], check: Callable[[Found], None]
) -> tuple[str, Found] | None:
    """Name and network of the first that ``check`` lets pass; None where there are no names.

    Raises :class:`MismatchError`, the first one's, when there are some and none fits.
    """
    first: MismatchError | None = None
    for name in names:
        network = describe(name)
        try:
            check(network)
        except MismatchError as error:
            first = first or error
            continue
        return name, network
    if first is not None:
        raise first
    return None


def with_hash(
    names: Iterable[str],
    name: str,
    describe: Callable[[str], Found],
    fits: Callable[[Found], bool],
    *,
    passing_over: tuple[type[Exception], ...] = (),
) -> Found | None:
    """The one among ``names`` that ``fits``. The one called ``name`` is looked at first, because hashing a
    network reads the whole file; another one that is broken in a way of ``passing_over`` is passed over.
    """
    for candidate in sorted(names, key=lambda one: one != name):
        try:
            known = describe(candidate)
        except passing_over:
            if candidate == name:
                raise
            continue
        if fits(known):
            return known
    return None
