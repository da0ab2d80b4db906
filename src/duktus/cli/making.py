"""``render``, ``sheet``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from duktus.cli import beginning as on
from duktus.cli.asking import Asked, request
from duktus.cli.asking_on import Edits, PromptEdited, going_on, only_with_from, wanted_of
from duktus.cli.options import AsJson, BaseOption, ClipSkip, Format, Guidance, Out, Strip, StyleOption
from duktus.cli.outcome import Given, Outcome, perform

RENDER = (
    '\b\nExamples:\n  duktus render "sportrait-laz, portrait of a woman with red hair"'
    " --style sportrait-laz:1.0 --seed 7"
    '\n  duktus render --from a-0123456789abcdef --cfg 4.4 --add "blue background" --aim "a cooler ground"'
)
SHEET = "\b\nExample:\n  duktus sheet portraits --out portraits.html"


def register(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog=RENDER)(render)
    app.command(epilog=SHEET)(sheet)


def render(
    context: typer.Context,
    prompt: Annotated[
        str | None, typer.Argument(help="What to draw; with a style, begin with its trigger word.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="ASSET", help="Go on from this picture: its recipe with changes."),
    ] = None,
    aim: Annotated[str, typer.Option("--aim", help="What is sought, in your words; for the diary.")] = "",
    style: StyleOption = None,
    base: BaseOption = None,
    strength: Annotated[
        str | None, typer.Option("--strength", help="Of the one style of the picture.")
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", help="To the prompt, at its end; with --from.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="From the prompt: a part between commas; with --from.")
    ] = None,
    swap: Annotated[
        list[str] | None, typer.Option("--swap", metavar="'OLD => NEW'", help="In the prompt; with --from.")
    ] = None,
    negative_swap: Annotated[
        list[str] | None,
        typer.Option("--negative-swap", metavar="'OLD => NEW'", help="In the negative prompt; with --from."),
    ] = None,
    negative_add: Annotated[
        list[str] | None, typer.Option("--negative-add", help="To the negative prompt; with --from.")
    ] = None,
    negative_drop: Annotated[
        list[str] | None, typer.Option("--negative-drop", help="From the negative prompt; with --from.")
    ] = None,
    negative: Annotated[str | None, typer.Option("--negative", help="What to keep away from.")] = None,
    seed: Annotated[str | None, typer.Option("--seed", help="Otherwise one is drawn and told.")] = None,
    cfg: Annotated[str | None, typer.Option("--cfg", help="How strictly the prompt is followed.")] = None,
    guidance: Guidance = None,
    steps: Annotated[
        str | None, typer.Option("--steps", help="From noise to picture; otherwise the base's own.")
    ] = None,
    sampler: Annotated[str | None, typer.Option("--sampler", help="E.g. 'DPM++ 2M', Euler, DDIM.")] = None,
    schedule: Annotated[str | None, typer.Option("--schedule", help="normal, Karras, exponential.")] = None,
    size: Annotated[
        str | None, typer.Option("--size", metavar="WxH", help="In pixels; otherwise the base's own.")
    ] = None,
    clip_skip: ClipSkip = None,
    count: Annotated[int | None, typer.Option("--count", help="Pictures, with consecutive seeds.")] = None,
    image: on.Image = None,
    denoise: on.Denoise = None,
    mask: on.Masks = None,
    mask_inverted: on.MaskInverted = False,
    mask_feather: on.MaskFeather = 0,
    extend: on.Extended = None,
    variation_seed: on.VariationSeed = None,
    variation_strength: on.VariationStrength = None,
    control: on.Controls = None,
    control_ready: on.ControlsReady = False,
    reference: on.References = None,
    hires: on.Larger = None,
    hires_denoise: on.LargerDenoise = None,
    hires_steps: on.LargerSteps = None,
    hires_by: on.LargerBy = "latent",
    refiner: on.Refiner = None,
    refine_at: on.RefineAt = None,
    draft: on.Draft = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="PART",
            help="Of what the picture began from: image, mask, control, reference, variation, hires, "
            "refiner, upscale, draft; with --from.",
        ),
    ] = None,
    out: Out = None,
    format_: Format = None,
    steps_strip: Strip = False,
    as_json: AsJson = False,
) -> None:
    """Render one prompt."""
    asked = Asked(
        prompts=[] if prompt is None else [prompt],
        style=style,
        strength=strength,
        negative=None if negative is None else [negative],
        seed=seed,
        cfg=cfg,
        guidance=guidance,
        steps=steps,
        sampler=None if sampler is None else [sampler],
        schedule=None if schedule is None else [schedule],
        size=size,
        clip_skip=clip_skip,
        count=count,
        base=base,
    )
    begins = on.Begins(
        image=image,
        denoise=denoise,
        masks=mask,
        mask_inverted=mask_inverted,
        mask_feather=mask_feather,
        extended=extend,
        variation_seed=variation_seed,
        variation_strength=variation_strength,
        controls=control,
        controls_ready=control_ready,
        references=reference,
        hires=hires,
        hires_denoise=hires_denoise,
        hires_steps=hires_steps,
        hires_by=hires_by,
        refiner=refiner,
        refine_at=refine_at,
        draft=draft,
    )

    edits = Edits(
        PromptEdited(swap or [], drop or [], add or []),
        PromptEdited(negative_swap or [], negative_drop or [], negative_add or []),
    )

    def act(given: Given) -> Outcome:
        if from_ is not None:
            wanted = wanted_of(asked, edits, begins, without or [])
            return going_on(given, from_, wanted, aim=aim, out=out, kind=format_, steps_strip=steps_strip)
        only_with_from(asked, edits, without or [])
        wanted = request(asked, several=False, begins=begins)  # before torch is loaded
        from duktus.actions.render import render as action
        from duktus.actions.reports import asset_json
        from duktus.cli.naming import made_line
        from duktus.wiring import workspace

        here = workspace(given.place, make=True)
        done = action(
            here,
            wanted,
            aim=aim,
            out=out,
            kind=format_,
            steps_strip=steps_strip,
            progress=given.terminal,
        )
        lines = [made_line(one, here.file(one)) for one in done.assets]
        document = {
            "assets": [asset_json(here, one) for one in done.assets],
            "notes": list(done.notes),
            "copies": [str(path.absolute()) for path in done.copies],
        }
        return Outcome(document, lines)

    perform(context, as_json, act)


def sheet(
    context: typer.Context,
    series: Annotated[str, typer.Argument(help="The name of a series.")],
    out: Annotated[Path, typer.Option("--out", help="A .png to print, or a .html to judge from.")],
    as_json: AsJson = False,
) -> None:
    """Lay the contact sheet of a series."""

    def act(given: Given) -> Outcome:
        from duktus.actions.sheet import sheet as action
        from duktus.wiring import workspace

        path = action(workspace(given.place), series, out, progress=given.terminal).absolute()
        return Outcome({"sheet": {"series": series, "path": str(path)}}, [str(path)])

    perform(context, as_json, act)
