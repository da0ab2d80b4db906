"""`duktus keep|discard|undecided|rate|label|undo|redo`: what a person says about pictures, only added to."""

from __future__ import annotations

from collections.abc import Sequence

from duktus.actions.workspace import Workspace
from duktus.archive import decisions, pictures
from duktus.domain.decision import DecisionEvent, DecisionKind, Label
from duktus.domain.errors import InputError, NotFoundError

MOST_STARS = 5


def decide(
    workspace: Workspace, names: Sequence[str], kind: DecisionKind, *, reason: str = ""
) -> list[DecisionEvent]:
    """Keep or discard pictures, or put them back to the undecided; all or, when one is unknown, none."""
    return _add(workspace, names, kind, reason)


def rate(workspace: Workspace, names: Sequence[str], stars: int, *, reason: str = "") -> list[DecisionEvent]:
    """Give pictures 0 to 5 stars."""
    if not 0 <= stars <= MOST_STARS:
        raise InputError(
            f"{stars} stars cannot be given.", f"Ratings go from 0 to {MOST_STARS}.", "Give a whole number."
        )
    return _add(workspace, names, DecisionKind.RATE, reason, stars=stars)


def label(
    workspace: Workspace, names: Sequence[str], colour: str, *, reason: str = ""
) -> list[DecisionEvent]:
    """Give pictures a colour label; ``none`` takes it off."""
    if colour.casefold() not in set(Label):
        raise InputError(
            f"'{colour}' is not a colour label.",
            f"There are {', '.join(Label)}.",
            "Write for instance duktus label ASSET red.",
        )
    return _add(workspace, names, DecisionKind.LABEL, reason, label=Label(colour.casefold()))


def _add(
    workspace: Workspace,
    names: Sequence[str],
    kind: DecisionKind,
    reason: str,
    *,
    stars: int | None = None,
    label: Label | None = None,
) -> list[DecisionEvent]:
    """Record the same decision on each picture, in one transaction."""
    author = workspace.author
    with workspace.archive.write() as connection:
        found = [pictures.named(connection, name).id for name in names]
        return [
            decisions.add(connection, one, kind, author=author, stars=stars, label=label, reason=reason)
            for one in found
        ]


def undo(workspace: Workspace, asset_id: str | None = None) -> tuple[DecisionEvent, DecisionEvent]:
    """Take back the newest decision that still counts, of one asset or of all.

    Returns (the undo, what it took back). Undoing again goes further back.
    """
    with workspace.archive.write() as connection:
        wanted = None if asset_id is None else pictures.named(connection, asset_id).id
        last = decisions.last_counting(connection, wanted)
        if last is None:
            raise NotFoundError(
                "There is nothing to undo.",
                "No decision on " + (f"{wanted} still counts." if wanted else "any picture still counts."),
                "duktus show ASSET lists what was decided.",
            )
        decision, tip = last
        event = decisions.add(
            connection, decision.asset_id, DecisionKind.UNDO, author=workspace.author, undoes=tip.id
        )
        return event, decision


def redo(workspace: Workspace, asset_id: str | None = None) -> tuple[DecisionEvent, DecisionEvent]:
    """Bring back what the newest undo took back, of one asset or of all, unless something was decided since.

    Returns (the redo, the decision it brought back). Doing it again brings back earlier ones.
    """
    with workspace.archive.write() as connection:
        wanted = None if asset_id is None else pictures.named(connection, asset_id).id
        undone = decisions.last_undone(connection, wanted)
        if undone is None:
            raise NotFoundError(
                "There is nothing to redo.",
                "Nothing was undone since the last decision.",
                "duktus show ASSET lists what was decided; decide again instead.",
            )
        event = decisions.add(
            connection, undone.asset_id, DecisionKind.REDO, author=workspace.author, undoes=undone.id
        )
        return event, decisions.before_undo(connection, undone)
