"""Looking, comparing, deciding, finding again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duktus.actions.collect import Collection
    from duktus.actions.diff import Diff
    from duktus.actions.log import Way
    from duktus.actions.search import Page
    from duktus.actions.show import Shown
    from duktus.archive.collections import Summary as CollectionSummary
    from duktus.domain.decision import DecisionEvent
    from duktus.domain.descent import Aim
    from duktus.domain.foreign import Picture
    from duktus.domain.query import Query


from duktus.notebook.door import Door, id_of


class Deciding(Door):
    """Looking, comparing, deciding, finding again."""

    def search(self, words: str = "", *, page: int = 1, per_page: int = 50, **conditions: Any) -> Page:
        """One page of the pictures for which every condition holds.

        ``conditions`` as on the command line, numbers also as a value or a (least, most): ``style``,
        ``base``, ``strength``, ``cfg``, ``steps``, ``seed``, ``sampler``, ``schedule``, ``size``, ``tool``,
        ``negative_words``, ``decision``, ``stars``, ``label``, ``since``, ``until``,
        ``series``, ``collection``, ``order``; and ``saved`` and ``save`` name a kept search.
        """
        from duktus.actions.search import find, save_search, saved_search
        from duktus.domain.reading_queries import query_of

        save, saved = conditions.pop("save", None), conditions.pop("saved", None)
        known = saved_search(self._inner, saved) if saved else None
        query = query_of({"words": words, **conditions}, known)
        if save:
            save_search(self._inner, save, query)
        return find(self._inner, query, page=page, per_page=per_page)

    def saved_searches(self) -> dict[str, Query]:
        """Every kept search by its name."""
        from duktus.actions.search import saved_searches_of

        return saved_searches_of(self._inner)

    def forget_search(self, name: str) -> None:
        """Remove a kept search; the pictures it finds stay."""
        from duktus.actions.search import forget_search

        forget_search(self._inner, name)

    def collect(self, name: str, *assets: Picture | str) -> Collection:
        """Put pictures at the end of a collection, made when there is none."""
        from duktus.actions.collect import collect

        return collect(self._inner, name, [id_of(asset) for asset in assets])

    def take_out(self, name: str, *assets: Picture | str) -> Collection:
        """Take pictures out of a collection; they stay in the archive."""
        from duktus.actions.collect import take_out

        return take_out(self._inner, name, [id_of(asset) for asset in assets])

    def place(self, name: str, asset: Picture | str, to: int) -> Collection:
        """Put a picture of a collection at a place, counted from 1."""
        from duktus.actions.collect import place

        return place(self._inner, name, id_of(asset), to)

    def collection(self, name: str) -> Collection:
        """The collection of that name with its pictures in order."""
        from duktus.actions.collect import show_collection

        return show_collection(self._inner, name)

    def list_collections(self) -> list[CollectionSummary]:
        """Every collection in short, oldest first."""
        from duktus.actions.collect import list_collections

        return list_collections(self._inner)

    def aim(self, subject: Picture | str, text: str) -> Aim:
        """Say what is sought with a series, a collection or a picture."""
        from duktus.actions.aim import say_aim

        return say_aim(self._inner, id_of(subject), text).aim

    def log(self, asset: Picture | str | Path) -> Way:
        """The way from the training pictures through every step to a picture."""
        from duktus.actions.log import log

        return log(self._inner, id_of(asset))

    def draw_log(self, asset: Picture | str | Path, kind: str = "svg", out: str | Path | None = None) -> str:
        """That way as a graph: ``mermaid``, ``dot`` or ``svg`` text, also written to ``out``."""
        from duktus.actions.log import draw_way, log

        way = log(self._inner, id_of(asset))
        return draw_way(self._inner, way, kind, None if out is None else Path(out))

    def show(self, asset: Picture | str | Path) -> Shown:
        """Everything known about a picture, or what any picture file says of itself."""
        from duktus.actions.show import show

        return show(self._inner, id_of(asset))

    def diff(self, a: Picture | str | Path, b: Picture | str | Path) -> Diff:
        """Which parameters differ between two pictures."""
        from duktus.actions.diff import diff

        return diff(self._inner, id_of(a), id_of(b))

    def keep(self, *assets: Picture | str, reason: str = "") -> list[DecisionEvent]:
        """Keep pictures."""
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind

        return decide(self._inner, [id_of(asset) for asset in assets], DecisionKind.KEEP, reason=reason)

    def discard(self, *assets: Picture | str, reason: str = "") -> list[DecisionEvent]:
        """Discard pictures; their files stay."""
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind

        return decide(self._inner, [id_of(asset) for asset in assets], DecisionKind.DISCARD, reason=reason)

    def rate(self, *assets: Picture | str, stars: int, reason: str = "") -> list[DecisionEvent]:
        """Give pictures 0 to 5 stars."""
        from duktus.actions.decide import rate

        return rate(self._inner, [id_of(asset) for asset in assets], stars, reason=reason)

    def undecided(self, *assets: Picture | str, reason: str = "") -> list[DecisionEvent]:
        """Put pictures back to the undecided."""
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind

        return decide(self._inner, [id_of(asset) for asset in assets], DecisionKind.UNDECIDED, reason=reason)

    def label(self, *assets: Picture | str, colour: str, reason: str = "") -> list[DecisionEvent]:
        """Give pictures a colour label: red, yellow, green, blue, purple, or none."""
        from duktus.actions.decide import label

        return label(self._inner, [id_of(asset) for asset in assets], colour, reason=reason)

    def redo(self, asset: Picture | str | None = None) -> DecisionEvent:
        """Bring back what was undone last, of one picture or of all; what was brought back."""
        from duktus.actions.decide import redo

        return redo(self._inner, None if asset is None else id_of(asset))[1]

    def undo(self, asset: Picture | str | None = None) -> DecisionEvent:
        """Take back the newest decision, of one picture or of all; what was taken back."""
        from duktus.actions.decide import undo

        return undo(self._inner, None if asset is None else id_of(asset))[1]
