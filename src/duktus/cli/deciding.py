"""``keep``, ``discard``, ``rate``, ``undo``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from duktus.cli.options import AsJson, Assets, Reason
from duktus.cli.outcome import Given, Outcome, perform

if TYPE_CHECKING:
    from duktus.domain.decision import DecisionEvent

KEEP = '\b\nExample:\n  duktus keep a-0123456789abcdef --reason "the eyes"'
DISCARD = "\b\nExample:\n  duktus discard a-0123456789abcdef"
RATE = "\b\nExample:\n  duktus rate a-0123456789abcdef 4"
UNDO = "\b\nExample:\n  duktus undo"


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=KEEP)(keep)
    app.command(epilog=DISCARD)(discard)
    app.command(epilog=RATE)(rate)
    app.command(epilog=UNDO)(undo)


def _outcome(events: list[DecisionEvent], word: str) -> Outcome:
    document = {"decisions": [event.model_dump(mode="json") for event in events]}
    return Outcome(document, [f"{word} {event.asset_id}" for event in events])


def keep(context: typer.Context, assets: Assets, reason: Reason = "", as_json: AsJson = False) -> None:
    """Keep pictures."""

    def act(given: Given) -> Outcome:
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind
        from duktus.wiring import workspace

        return _outcome(decide(workspace(given.place), assets, DecisionKind.KEEP, reason=reason), "kept")

    perform(context, as_json, act)


def discard(context: typer.Context, assets: Assets, reason: Reason = "", as_json: AsJson = False) -> None:
    """Discard pictures. Their files stay, and undo takes it back."""

    def act(given: Given) -> Outcome:
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind
        from duktus.wiring import workspace

        events = decide(workspace(given.place), assets, DecisionKind.DISCARD, reason=reason)
        return _outcome(events, "discarded")

    perform(context, as_json, act)


def rate(
    context: typer.Context,
    assets_and_stars: Annotated[
        list[str], typer.Argument(metavar="ASSET... STARS", help="Ids of assets, then 0 to 5.")
    ],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Give pictures 0 to 5 stars."""

    def act(given: Given) -> Outcome:
        from duktus.actions.decide import rate as action
        from duktus.domain.errors import InputError
        from duktus.wiring import workspace

        *assets, last = assets_and_stars
        if not assets or not last.isdecimal():
            raise InputError(
                f"'{last}' is not a number of stars.",
                "Assets come first, then their stars, 0 to 5.",
                "Write for instance duktus rate a-0123456789abcdef 4.",
            )
        events = action(workspace(given.place), assets, int(last), reason=reason)
        return _outcome(events, f"gave {last} stars to")

    perform(context, as_json, act)


def undo(
    context: typer.Context,
    asset: Annotated[str | None, typer.Argument(help="Only on this picture; otherwise the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take back the newest decision; again goes further back. Nothing is ever erased."""

    def act(given: Given) -> Outcome:
        from duktus.actions.decide import undo as action
        from duktus.wiring import workspace

        event, undone = action(workspace(given.place), asset)
        document = {"undo": event.model_dump(mode="json"), "undone": undone.model_dump(mode="json")}
        stars = f" ({undone.stars} stars)" if undone.stars is not None else ""
        return Outcome(document, [f"took back: {undone.kind.value}{stars} on {undone.asset_id}"])

    perform(context, as_json, act)
