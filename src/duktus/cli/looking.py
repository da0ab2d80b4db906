"""``show``, ``diff``, ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duktus.cli.options import AsJson, Asset, BaseOption
from duktus.cli.outcome import MENDABLE, Given, Outcome, perform

if TYPE_CHECKING:
    from duktus.actions.show import Shown
    from duktus.actions.verify import FactChanged, Verified, VerifiedSeries
    from duktus.domain.changes import Change

SHOW = "\b\nExample:\n  duktus show a-0123456789abcdef"
DIFF = "\b\nExample:\n  duktus diff a-0123456789abcdef a-fedcba9876543210"
VERIFY = "\b\nExample:\n  duktus verify a-0123456789abcdef"


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=SHOW)(show)
    app.command(epilog=DIFF)(diff)
    app.command(epilog=VERIFY)(verify)


def _is_file(name: str) -> bool:
    """A file carries its recipe, so it can be looked at outside a workspace too; nothing is made there."""
    return Path(name).is_file()


def show(context: typer.Context, asset: Asset, as_json: AsJson = False) -> None:
    """Show everything known about a picture, or what a file of any program says of its making."""

    def act(given: Given) -> Outcome:
        from duktus.actions.reports import asset_json, picture_json, standing_json
        from duktus.actions.show import show as action
        from duktus.cli.explaining import completed_json, explained_json, explained_lines
        from duktus.wiring import workspace

        here = workspace(given.place, make=_is_file(asset))
        shown = action(here, asset)
        recipe = shown.recipe.as_json() if shown.recipe else None
        known = shown.asset or shown.imported
        document: dict[str, Any] = {
            "id": known.id if known else None,
            "path": str(shown.path.absolute()),
            "recipe": recipe,
        }
        lines = [f"{known.id if known else 'not in this workspace'}  {shown.path}"]
        lines += [f"  {key:<16} {value}" for key, value in _flat(shown).items()]
        if shown.imported is not None:
            document = {
                **picture_json(here, shown.imported),
                "path": str(shown.path.absolute()),
                "standing": standing_json(shown.standing),
                "history": [event.model_dump(mode="json") for event in shown.history],
            }
        if shown.asset is not None:
            document = {
                **asset_json(here, shown.asset),
                "facts": shown.asset.facts.model_dump(mode="json"),
                "standing": standing_json(shown.standing),
                "history": [event.model_dump(mode="json") for event in shown.history],
                "lineage": [
                    {"child": edge.child, "parent": edge.parent, "kind": edge.kind.value}
                    for edge in shown.lineage
                ],
            }
            facts = shown.asset.facts
            lines.append(
                f"  rendered         {shown.asset.created:%Y-%m-%d %H:%M} UTC on {facts.device} "
                f"({facts.device_name}) in {facts.seconds:.1f} s"
            )
            if facts.draft is not None:
                far = "as proof" if facts.draft.psnr is None else f"{facts.draft.psnr:.1f} dB from proof"
                lines.append(f"  draft            {far}, measured on {facts.draft.recipe}")
        if known is not None:
            lines += [
                f"  {event.kind.value:<16} {event.created:%Y-%m-%d %H:%M} {event.author}"
                f"{f' {event.stars} stars' if event.stars is not None else ''}"
                f"{f' {event.label}' if event.label else ''} {event.reason}".rstrip()
                for event in shown.history
            ]
        document["file"] = explained_json(shown.explained)
        document["completed"] = completed_json(shown.completed)
        lines += explained_lines(shown)
        return Outcome({"asset": document}, lines)

    perform(context, as_json, act)


def _flat(shown: Shown) -> dict[str, Any]:
    from duktus.domain.beginning_told import LABELS, beginning_told, short

    if shown.recipe is None:
        return {}
    flat: dict[str, Any] = {}
    for key, value in shown.recipe.as_json().items():
        if key in LABELS:
            continue
        if key == "base":
            flat["base"] = f"{value['name']} ({value['weights'][:12]}...)"
        elif key == "adapters":
            flat.update(
                {
                    f"style {one['name']}": f"strength {one['strength']} ({one['style'][:12]}...)"
                    for one in value
                }
            )
        elif isinstance(value, dict):
            flat.update({f"{key} {inner}": part for inner, part in value.items()})
        else:
            flat[key] = value
    told = beginning_told(shown.recipe, lambda file_hash: shown.made_from.get(file_hash, short(file_hash)))
    return flat | {part.label: part.words for part in told}


def diff(context: typer.Context, a: Asset, b: Asset, as_json: AsJson = False) -> None:
    """Say which parameters differ between two pictures, and how far apart their pixels are."""

    def act(given: Given) -> Outcome:
        from duktus.actions.diff import diff as action
        from duktus.actions.reports import finite
        from duktus.domain.changes import for_people
        from duktus.wiring import workspace

        found = action(workspace(given.place, make=_is_file(a) and _is_file(b)), a, b)
        lines = [line for one in for_people(found.parameters) for line in _two_sides(one)]
        if not found.parameters and not found.unknown:
            lines = ["Every parameter is the same."]
        lines += [f"Nothing says how {name} was made." for name in found.unknown]
        if found.descent is not None:
            lines.append(f"{found.descent.child} was gone on to from {found.descent.parent}.")
        pixels = None
        if found.pixels is None:
            lines.append("The pictures have different sizes.")
        else:
            far = found.pixels
            pixels = {"identical": far.identical, "max_abs": far.max_abs, "psnr": finite(far.psnr)}
            lines.append(
                "The pixels are identical."
                if far.identical
                else f"The pixels differ by at most {far.max_abs} of 255 (PSNR {far.psnr:.1f} dB)."
            )
        parameters = [
            {
                "name": one.name,
                "a": one.before,
                "b": one.after,
                "added": list(one.added),
                "removed": list(one.removed),
                "reworded": [list(pair) for pair in one.reworded],
            }
            for one in found.parameters
        ]
        document = {
            "a": a,
            "b": b,
            "parameters": parameters,
            "unknown": list(found.unknown),
            "pixels": pixels,
            "descent": found.descent.model_dump(mode="json") if found.descent else None,
        }
        return Outcome({"diff": document}, lines)

    perform(context, as_json, act)


def _two_sides(one: Change) -> list[str]:
    """One parameter with both values; a prompt by the parts in which it differs."""
    parts = [f"  {here}  ->  {there}" for here, there in one.reworded]
    parts += [f"  - {part}" for part in one.removed] + [f"  + {part}" for part in one.added]
    if parts:
        return [one.name, *parts]
    before, after = ("none" if value in {None, ""} else value for value in (one.before, one.after))
    return [f"{one.name:<24} {before}  ->  {after}"]


def verify(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="An asset's id, the beginning of one, a picture's file, or a series.")
    ],
    base: BaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Render a picture or a series again and compare: ends 0 when every pixel is the same, 2 when not."""

    def act(given: Given) -> Outcome:
        from duktus.actions.verify import is_series, verify_series
        from duktus.actions.verify import verify as action
        from duktus.wiring import workspace

        here = workspace(given.place, make=_is_file(name))
        if is_series(here, name):
            return _series_outcome(verify_series(here, name, base=base, progress=given.terminal))
        found = action(here, name, base=base, progress=given.terminal)
        document = {"verify": _verified_json(found)}
        if found.identical:
            return Outcome(document, [f"{found.name}: rendered again, every pixel is identical."])
        return Outcome(document, [_how_far(found), *_why(found.facts, draft=found.draft)], MENDABLE)

    perform(context, as_json, act)


def _series_outcome(found: VerifiedSeries) -> Outcome:
    document = {
        "verify": {
            "series": found.name,
            "identical": found.identical,
            "facts": [_fact_json(one) for one in found.facts],
            "pictures": [_verified_json(one) for one in found.pictures],
        }
    }
    total = len(found.pictures)
    if found.identical:
        return Outcome(
            document, [f"{found.name}: {total} pictures rendered again, every pixel is identical."]
        )
    off = [one for one in found.pictures if not one.identical]
    lines = [f"{found.name}: {total - len(off)} of {total} pictures are identical."]
    lines += [f"  {_how_far(one)}" for one in off]
    lines.append(f"The furthest is {found.furthest.name}.")
    return Outcome(document, [*lines, *_why(found.facts, draft=all(one.draft for one in off))], MENDABLE)


def _verified_json(found: Verified) -> dict[str, Any]:
    from duktus.actions.reports import finite

    return {
        "asset": found.name,
        "identical": found.identical,
        "max_abs": found.max_abs,
        "psnr": finite(found.psnr),
        "facts": [_fact_json(one) for one in found.facts],
        "draft": found.draft,
        "seconds": round(found.seconds, 3),
    }


def _fact_json(fact: FactChanged) -> dict[str, str]:
    return {"name": fact.name, "then": fact.then, "now": fact.now}


def _how_far(found: Verified) -> str:
    psnr = f" (PSNR {found.psnr:.1f} dB)." if found.psnr is not None else "."
    return f"{found.name}: not identical; pixels differ by at most {found.max_abs} of 255{psnr}"


def _why(facts: tuple[FactChanged, ...], *, draft: bool) -> list[str]:
    lines = [f"  {one.name} was {one.then}, here it is {one.now}" for one in facts]
    if draft:
        lines.append("  A draft's last bits may depend on what shared its batch; only proof promises them.")
    return lines or ["  Every recorded fact is the same, so the file itself may have been changed."]
