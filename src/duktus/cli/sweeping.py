"""``sweep``: asked for by options or by a sweep file, foreseen, begun, extended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duktus.cli import beginning as on
from duktus.cli.asking import Asked, request
from duktus.cli.options import AsJson, Format, Out, Strip, StyleOption
from duktus.cli.outcome import Given, Outcome, perform
from duktus.cli.terminal import duration
from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from duktus.actions.recipes.request import Request
    from duktus.actions.sweep import Foreseen, Swept
    from duktus.actions.workspace import Workspace
    from duktus.domain.asset import PictureFormat

SWEEP = (
    '\b\nExample:\n  duktus sweep "sportrait-laz, portrait of a man" --style sportrait-laz'
    " --strength 0..1.2/3 --cfg 3,5 --seed 1..2 --name portraits"
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a sweep command asks for beside its axes."""

    name: str | None
    file: Path | None
    extend: str | None
    """The series to add to."""
    picture: str | None
    """The picture to lay axes over."""
    save: Path | None
    plan: bool
    out: Path | None
    kind: PictureFormat | None
    steps_strip: bool
    begins: on.Begins


def register(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command(epilog=SWEEP)(sweep)


def sweep(
    context: typer.Context,
    prompt: Annotated[
        list[str] | None,
        typer.Argument(help="One or several; also separated by |. {a|b} and __list__ make several."),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="ASSET", help="Around this picture: its recipe with axes.")
    ] = None,
    style: StyleOption = None,
    strength: Annotated[
        list[str] | None,
        typer.Option("--strength", help="Of the style: 0.8,1.0,1.2 or 0..1.2/5; of one of several: NAME=..."),
    ] = None,
    text_strength: Annotated[
        list[str] | None,
        typer.Option("--text-strength", help="Of the style's text-encoder part: 0,0.5,1; or NAME=..."),
    ] = None,
    negative: Annotated[
        list[str] | None, typer.Option("--negative", help="Repeated or separated by |.")
    ] = None,
    seed: Annotated[list[str] | None, typer.Option("--seed", help="1,2,3 or 1..4; otherwise 1.")] = None,
    cfg: Annotated[list[str] | None, typer.Option("--cfg", help="3,5 or 2..6/3 or 2, 2.5, .., 6.")] = None,
    guidance: Annotated[
        list[str] | None, typer.Option("--guidance", help="For guidance-distilled bases such as FLUX.1 dev.")
    ] = None,
    steps: Annotated[list[str] | None, typer.Option("--steps", help="10,20 or 10..30/3.")] = None,
    sampler: Annotated[
        list[str] | None, typer.Option("--sampler", help="Repeated or separated by |.")
    ] = None,
    schedule: Annotated[
        list[str] | None, typer.Option("--schedule", help="Repeated or separated by |.")
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option("--size", metavar="WxH", help="In pixels; a list.")
    ] = None,
    clip_skip: Annotated[
        list[str] | None,
        typer.Option("--clip-skip", help="1,2: layers from the text encoder's end, as A1111 counts them."),
    ] = None,
    count: Annotated[int | None, typer.Option("--count", help="Consecutive seeds from --seed.")] = None,
    base: Annotated[
        list[str] | None, typer.Option("--base", help="Names of bases; repeated or separated by |.")
    ] = None,
    replace: Annotated[
        list[str] | None,
        typer.Option("--replace", metavar="'OLD, NEW, ...'", help="In the prompts; an axis of its own."),
    ] = None,
    zipped: Annotated[
        list[str] | None,
        typer.Option("--zip", metavar="AXIS,AXIS", help="Value by value instead of every combination."),
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option("--skip", metavar="'AXIS=VALUE, ...'", help="Leave out the cells with all of these."),
    ] = None,
    draw: Annotated[int | None, typer.Option("--draw", help="So many prompts of {a|b}, not all.")] = None,
    wildcard_seed: Annotated[int | None, typer.Option("--wildcard-seed", help="Which; otherwise 1.")] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Of the series; the same name and settings go on.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A .sweep.toml with all of this.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Also write what is asked for as a .sweep.toml.")
    ] = None,
    add_to: Annotated[
        str | None, typer.Option("--add-to", metavar="SERIES", help="Add these values to its axes.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be rendered: cells, time, disk.")
    ] = False,
    image: on.Image = None,
    denoise: Annotated[
        list[str] | None, typer.Option("--denoise", help="How much of it may change, 0 to 1; a list.")
    ] = None,
    mask: on.Masks = None,
    mask_inverted: on.MaskInverted = False,
    mask_feather: on.MaskFeather = 0,
    extend: on.Extended = None,
    variation_seed: on.VariationSeed = None,
    variation_strength: Annotated[
        list[str] | None, typer.Option("--variation-strength", help="How far, 0 to 1; a list.")
    ] = None,
    control: on.Controls = None,
    control_weight: Annotated[
        list[str] | None, typer.Option("--control-weight", help="Of the one control; a list.")
    ] = None,
    control_ready: on.ControlsReady = False,
    reference: on.References = None,
    reference_weight: Annotated[
        list[str] | None, typer.Option("--reference-weight", help="Of the one reference; a list.")
    ] = None,
    hires: on.Larger = None,
    hires_denoise: Annotated[
        list[str] | None, typer.Option("--hires-denoise", help="How much it may change, 0 to 1; a list.")
    ] = None,
    hires_steps: on.LargerSteps = None,
    hires_by: on.LargerBy = "latent",
    refiner: on.Refiner = None,
    refine_at: on.RefineAt = None,
    draft: on.Draft = False,
    out: Out = None,
    format_: Format = None,
    steps_strip: Strip = False,
    as_json: AsJson = False,
) -> None:
    """Render every combination of several values as a series; the same command again goes on."""
    asked = Asked(
        prompts=prompt or [],
        style=style,
        strengths=strength,
        negative=negative,
        seed=_joined(seed),
        cfg=_joined(cfg),
        guidance=_joined(guidance),
        steps=_joined(steps),
        clip_skip=_joined(clip_skip),
        sampler=sampler,
        schedule=schedule,
        size=_joined(size),
        count=count,
        bases=base,
        replace=replace,
        zipped=zipped,
        skip=skip,
        draw=draw,
        wildcard_seed=wildcard_seed,
        denoise=_joined(denoise),
        control_weight=_joined(control_weight),
        reference_weight=_joined(reference_weight),
        variation_strength=_joined(variation_strength),
        hires_denoise=_joined(hires_denoise),
        text_strengths=text_strength,
        seedless=(add_to is not None or from_ is not None) and count is None,
    )
    begins = on.Begins(
        image=image,
        denoise=None,
        masks=mask,
        mask_inverted=mask_inverted,
        mask_feather=mask_feather,
        extended=extend,
        variation_seed=variation_seed,
        variation_strength=None,
        controls=control,
        controls_ready=control_ready,
        references=reference,
        hires=hires,
        hires_denoise=None,
        hires_steps=hires_steps,
        hires_by=hires_by,
        refiner=refiner,
        refine_at=refine_at,
        draft=draft,
    )
    wanted = _Wanted(name, file, add_to, from_, save, plan, out, format_, steps_strip, begins)
    perform(context, as_json, _act(asked, wanted))


def _joined(given: list[str] | None) -> str | None:
    """An option given several times means the same as its values in one list."""
    return ",".join(given) if given else None


def _act(asked: Asked, wanted: _Wanted) -> Callable[[Given], Outcome]:
    def act(given: Given) -> Outcome:
        made, name = _request(asked, wanted)  # before torch is loaded
        from duktus.wiring import workspace

        here = workspace(given.place, make=wanted.extend is None and wanted.picture is None)
        if wanted.picture is not None:
            from duktus.actions.sweeping_from import around

            made, notes = around(here, wanted.picture, made)
            for note in notes:
                given.terminal.say(note)
        if wanted.save is not None:
            _save(here, made, wanted.extend, name, wanted.save)
            given.terminal.say(f"Wrote {wanted.save}.")
        if wanted.plan:
            return _foreseen(here, made, wanted.extend, name)
        done = _do(here, made, wanted, name, given)
        return outcome(here, done)

    return act


def _request(asked: Asked, wanted: _Wanted) -> tuple[Request, str | None]:
    if wanted.file is None:
        if wanted.extend is not None and wanted.picture is not None:
            raise InputError("Both --add-to and --from say what the series is.", "", "Give one of the two.")
        if not asked.prompts and wanted.extend is None and wanted.picture is None:
            raise InputError(
                "There is nothing to draw.",
                "Neither a prompt nor a sweep file was given.",
                'Write for instance duktus sweep "a woman" --seed 1..4, or duktus sweep --file FILE.',
            )
        if wanted.extend is not None and wanted.name is not None:
            raise InputError("Both --add-to and --name name a series.", "", "Give --add-to alone.")
        return request(asked, several=True, begins=wanted.begins), wanted.name
    from duktus.actions.beginnings.beginning_asked import Beginning
    from duktus.actions.sweeping.sweep_file import read

    said = [one.name for one in fields(asked) if getattr(asked, one.name) not in (None, [], False)]
    if wanted.extend is not None:
        said.append("add-to")
    if wanted.picture is not None:
        said.append("from")
    if wanted.begins.beginning() != Beginning():
        said.append("what pictures begin from")
    if said:
        raise InputError(
            f"{said[0]} was given beside a sweep file.",
            "The file says everything; only --name, --out, --plan and --steps-strip go with it.",
            f"Change it in {wanted.file}.",
        )
    found = read(wanted.file)
    return found.request, wanted.name or found.name


def _save(here: Workspace, made: Request, extend: str | None, name: str | None, path: Path) -> None:
    from duktus.actions.going_further import extended
    from duktus.actions.sweeping.sweep_file import write

    if extend is None:
        write(path, made, name)
    else:  # the whole series as it will be, not only what is added
        write(path, extended(here, extend, made).plan.explicit, extend)


def _do(here: Workspace, made: Request, wanted: _Wanted, name: str | None, given: Given) -> Swept:
    out, strip, told = wanted.out, wanted.steps_strip, given.terminal
    if wanted.extend is not None:
        from duktus.actions.going_further import extend

        return extend(here, wanted.extend, made, out=out, kind=wanted.kind, steps_strip=strip, progress=told)
    from duktus.actions.sweep import sweep as action

    return action(here, made, name=name, out=out, kind=wanted.kind, steps_strip=strip, progress=told)


def _foreseen(here: Workspace, made: Request, extend: str | None, name: str | None) -> Outcome:
    from duktus.actions.going_further import extended
    from duktus.actions.reports import axes_json
    from duktus.actions.sweep import foresee, foreseen_words
    from duktus.cli.naming import axes_lines

    found: Foreseen = foresee(here, made, name=name) if extend is None else extended(here, extend, made)
    cost, planned = found.estimate, found.plan
    document: dict[str, Any] = {
        "name": found.name,
        "axes": axes_json(planned.axes),
        "cells": cost.cells,
        "there": cost.there,
        "to_render": cost.pictures,
        "seconds": None if cost.seconds is None else round(cost.seconds, 1),
        "measured_on": cost.measured_on,
        "bytes": cost.disk,
        "order": list(cost.order),
        "notes": list(planned.notes),
    }
    lines = [f"Series '{found.name}': {foreseen_words(found)}"]
    lines += axes_lines(planned.axes)
    lines += [f"{number}. {stage}" for number, stage in enumerate(cost.order, start=1)]
    return Outcome({"plan": document}, [*lines, *planned.notes, "Nothing was rendered."])


def outcome(here: Workspace, done: Swept) -> Outcome:
    """What a command that rendered a series gives."""
    from duktus.actions.reports import series_json

    series = done.series
    document = {
        "series": {
            **series_json(here, series, {one.id: one for one in done.assets}),
            "rendered": done.rendered,
            "paused": done.paused,
            "seconds": round(done.seconds, 3),
            "copies": [str(path.absolute()) for path in done.copies],
        }
    }
    lines = _swept_words(done)
    lines += [f"They lie in {here.root / 'pictures' / series.name}", *series.notes]
    lines.append(
        f"Next: duktus series resume {series.name}"
        if done.paused
        else f"Next: duktus sheet {series.name} --out {series.name}.html"
    )
    return Outcome(document, lines)


def _swept_words(done: Swept) -> list[str]:
    cells = len(done.series.cells)
    begun = f"Series '{done.series.name}': {cells} pictures, {done.rendered} rendered now"
    begun = f"{begun}, in {duration(done.seconds)}."
    missing = cells - sum(cell.asset_id is not None for cell in done.series.cells)
    return [begun, f"Paused; {missing} are missing."] if done.paused else [begun]
