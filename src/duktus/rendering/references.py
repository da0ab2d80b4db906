"""Reference pictures at work: looked at once each, shown to the denoiser with each picture's own weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duktus.families.reference import Look, Shown
from duktus.families.registry import referring
from duktus.rendering.files import read_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from duktus.families.family import LoadedBase
    from duktus.families.reference import LoadedReference, ReferenceNetwork
    from duktus.rendering.groups import Group

KEPT = 16
"""Looks that are remembered: the cells of a sweep share theirs."""


class References:
    """The reference networks beside one base in memory, and what they saw."""

    def __init__(
        self, base: LoadedBase, networks: Mapping[str, ReferenceNetwork], find: Callable[[str], Path]
    ) -> None:
        self._base = base
        self._networks = networks
        self._find = find
        self._loaded: dict[str, LoadedReference] = {}
        self._looks: dict[tuple[str, str], Look] = {}

    def show(self, group: Group) -> None:
        """Let the denoiser look at exactly this group's references."""
        wanted = [recipe.references for recipe in group.recipes]
        if not wanted[0] and not self._loaded:
            return
        shown = [
            Shown(
                [self._look(one.network, one.picture) for one in column],
                [one.weight for one in column],
                group.guided,
            )
            for column in zip(*wanted, strict=True)
        ]
        referring(self._base.base.family).show(self._base, shown)

    def _look(self, network: str, picture: str) -> Look:
        key = (network, picture)
        if key not in self._looks:
            if network not in self._loaded:
                door = referring(self._base.base.family)
                self._loaded[network] = door.load_reference(self._networks[network], self._base)
            if len(self._looks) >= KEPT:
                self._looks.pop(next(iter(self._looks)))
            self._looks[key] = self._loaded[network].look(read_pixels(self._find(picture)))
        return self._looks[key]
