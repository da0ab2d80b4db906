"""``keep``, ``discard``, ``undecided``, ``rate``, ``label``, ``undo``, ``redo``."""

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
UNDECIDED = '\b\nExample:\n  duktus undecided a-0123456789abcdef --reason "look again tomorrow"'
LABEL = "\b\nExample:\n  duktus label a-0123456789abcdef green"
UNDO = "\b\nExample:\n  duktus undo"
REDO = "\b\nExample:\n  duktus redo"


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=KEEP)(keep)
    app.command(epilog=DISCARD)(discard)
    app.command(epilog=UNDECIDED)(undecided)
    app.command(epilog=RATE)(rate)
    app.command(epilog=LABEL)(label)
    app.command(epilog=UNDO)(undo)
    app.command(epilog=REDO)(redo)


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


def undecided(context: typer.Context, assets: Assets, reason: Reason = "", as_json: AsJson = False) -> None:
    """Put pictures back to the undecided."""

    def act(given: Given) -> Outcome:
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind
        from duktus.wiring import workspace

        events = decide(workspace(given.place), assets, DecisionKind.UNDECIDED, reason=reason)
        return _outcome(events, "undecided again:")

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


def label(
    context: typer.Context,
    assets_and_colour: Annotated[
        list[str],
        typer.Argument(
            metavar="ASSET... COLOUR", help="Assets, then red, yellow, green, blue, purple or none."
        ),
    ],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Give pictures a colour label."""

    def act(given: Given) -> Outcome:
        from duktus.actions.decide import label as action
        from duktus.domain.errors import InputError
        from duktus.wiring import workspace

        *assets, colour = assets_and_colour
        if not assets:
            raise InputError(
                f"Nothing was named to be labelled '{colour}'.",
                "Assets come first, then their colour.",
                "Write for instance duktus label a-0123456789abcdef green.",
            )
        events = action(workspace(given.place), assets, colour, reason=reason)
        return _outcome(events, f"labelled {events[0].label}:")

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
        return Outcome(document, [f"took back: {_said(undone)} on {undone.asset_id}"])

    perform(context, as_json, act)


def redo(
    context: typer.Context,
    asset: Annotated[
        str | None, typer.Argument(help="Only on this picture; otherwise the newest undo.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring back what was undone last, as long as nothing was decided since."""

    def act(given: Given) -> Outcome:
        from duktus.actions.decide import redo as action
        from duktus.wiring import workspace

        event, back = action(workspace(given.place), asset)
        document = {"redo": event.model_dump(mode="json"), "redone": back.model_dump(mode="json")}
        return Outcome(document, [f"brought back: {_said(back)} on {back.asset_id}"])

    perform(context, as_json, act)


def _said(event: DecisionEvent) -> str:
    stars = f" ({event.stars} stars)" if event.stars is not None else ""
    return f"{event.kind.value}{stars}{f' {event.label}' if event.label else ''}"
