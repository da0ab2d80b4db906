"""`duktus keep|discard|undecided|rate|label|undo|redo`: what a person says about pictures, only added to."""

from __future__ import annotations

from collections.abc import Sequence

from duktus.actions.workspace import Workspace
from duktus.archive import assets, decisions
from duktus.domain.decision import DecisionEvent, DecisionKind, Label
from duktus.domain.errors import InputError, NotFoundError

MOST_STARS = 5


def decide(
    workspace: Workspace, asset_ids: Sequence[str], kind: DecisionKind, *, reason: str = ""
) -> list[DecisionEvent]:
    """Keep or discard assets, or put them back to the undecided; all or, when one is unknown, none."""
    with workspace.archive.write() as connection:
        found = [assets.named(connection, name) for name in asset_ids]
        return [
            decisions.add(connection, asset.id, kind, author=workspace.author, reason=reason)
            for asset in found
        ]


def rate(
    workspace: Workspace, asset_ids: Sequence[str], stars: int, *, reason: str = ""
) -> list[DecisionEvent]:
    """Give assets 0 to 5 stars."""
    if not 0 <= stars <= MOST_STARS:
        raise InputError(
            f"{stars} stars cannot be given.", f"Ratings go from 0 to {MOST_STARS}.", "Give a whole number."
        )
    with workspace.archive.write() as connection:
        found = [assets.named(connection, name) for name in asset_ids]
        return [
            decisions.add(
                connection,
                asset.id,
                DecisionKind.RATE,
                author=workspace.author,
                stars=stars,
                reason=reason,
            )
            for asset in found
        ]


def label(
    workspace: Workspace, asset_ids: Sequence[str], colour: str, *, reason: str = ""
) -> list[DecisionEvent]:
    """Give assets a colour label; ``none`` takes it off."""
    if colour.casefold() not in set(Label):
        raise InputError(
            f"'{colour}' is not a colour label.",
            f"There are {', '.join(Label)}.",
            "Write for instance duktus label ASSET red.",
        )
    given = Label(colour.casefold())
    with workspace.archive.write() as connection:
        found = [assets.named(connection, name) for name in asset_ids]
        return [
            decisions.add(
                connection,
                asset.id,
                DecisionKind.LABEL,
                author=workspace.author,
                label=given,
                reason=reason,
            )
            for asset in found
        ]


def undo(workspace: Workspace, asset_id: str | None = None) -> tuple[DecisionEvent, DecisionEvent]:
    """Take back the newest decision that still counts, of one asset or of all.

    Returns (the undo, what it took back). Undoing again goes further back.
    """
    with workspace.archive.write() as connection:
        wanted = None if asset_id is None else assets.named(connection, asset_id).id
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
        wanted = None if asset_id is None else assets.named(connection, asset_id).id
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
