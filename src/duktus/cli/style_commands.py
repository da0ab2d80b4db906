"""``style teach|list|show|export``; the commands for files of others stand in ``style_file_commands``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duktus.cli import style_file_commands
from duktus.cli.options import AsJson, BaseOption
from duktus.cli.outcome import Given, Outcome, perform
from duktus.cli.terminal import duration

if TYPE_CHECKING:
    from duktus.domain.style import Style, TeachSettings

TEACH = '\b\nExample:\n  duktus style teach my-pictures/ --name sportrait-laz --trigger "sportrait-laz"'
LIST = "\b\nExample:\n  duktus style list"
SHOW = "\b\nExample:\n  duktus style show sportrait-laz"
EXPORT = "\b\nExample:\n  duktus style export sportrait-laz --out exported/"


def app() -> typer.Typer:
    """The commands below ``style``."""
    tree = typer.Typer(help="Teach, list, show, check, import and export styles.", no_args_is_help=True)
    tree.command("teach", epilog=TEACH)(teach)
    tree.command("list", epilog=LIST)(list_)
    tree.command("show", epilog=SHOW)(show)
    tree.command("export", epilog=EXPORT)(export)
    style_file_commands.register(tree)
    return tree


def teach(
    context: typer.Context,
    pictures: Annotated[Path, typer.Argument(help="A folder of about ten pictures in one hand.")],
    name: Annotated[str, typer.Option("--name", help="What the style is called from now on.")],
    trigger: Annotated[str, typer.Option("--trigger", help="An invented word that calls the style up.")],
    base: BaseOption = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            help="lora (when not said), or textual-inversion: vectors that the trigger stands for.",
        ),
    ] = None,
    vectors: Annotated[
        int | None, typer.Option("--vectors", help="How many the trigger stands for, by textual inversion.")
    ] = None,
    init_word: Annotated[
        str | None,
        typer.Option("--init-word", help="What these vectors begin as: a word that comes near the hand."),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option("--template", help="How captions are built, e.g. '{trigger}, {caption}'."),
    ] = None,
    held_out: Annotated[
        str | None,
        typer.Option(
            "--held-out",
            metavar="FOLDER|COUNT",
            help="Further pictures to measure on, never to teach on; or how many of PICTURES are held out "
            "for that.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    steps: Annotated[int | None, typer.Option("--steps", help="Longest run.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate")] = None,
    optimiser: Annotated[
        str | None,
        typer.Option("--optimiser", help="adamw, adafactor (least memory) or prodigy (finds its own rate)."),
    ] = None,
    rank: Annotated[int | None, typer.Option("--rank", help="Of the LoRA; alpha is the same.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Pictures per step.")] = None,
    resolution: Annotated[int | None, typer.Option("--resolution", help="Edge in pixels.")] = None,
    seed: Annotated[int | None, typer.Option("--seed")] = None,
    targets: Annotated[
        str | None,
        typer.Option("--targets", help="Modules to teach: 'attention + feed-forward', 'style blocks', ..."),
    ] = None,
    noise_levels: Annotated[
        str | None,
        typer.Option("--noise-levels", help="uniform, logit-normal, shifted or 'high noise'."),
    ] = None,
    caption_dropout: Annotated[
        float | None, typer.Option("--caption-dropout", help="Share of steps without a caption.")
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            "--prior",
            metavar="PROMPT",
            help="A class that the base shall go on drawing as before, e.g. 'a portrait of a woman'.",
        ),
    ] = None,
    prior_weight: Annotated[
        float | None, typer.Option("--prior-weight", help="Of the class pictures' loss; 1 when not said.")
    ] = None,
    prior_count: Annotated[
        int | None, typer.Option("--prior-count", help="Class pictures that the base draws.")
    ] = None,
    prior_pictures: Annotated[
        Path | None, typer.Option("--prior-pictures", help="A folder of class pictures, instead.")
    ] = None,
    self_prior: Annotated[
        float | None,
        typer.Option(
            "--self-prior",
            metavar="WEIGHT",
            help="Hold the base to its own answers where the trigger word is missing.",
        ),
    ] = None,
    neutral: Annotated[
        str | None,
        typer.Option(
            "--neutral", help="The caption for that; otherwise each picture's own without the trigger."
        ),
    ] = None,
    crops: Annotated[int | None, typer.Option("--crops", help="Random crops per picture.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Also teach the mirrored pictures.")] = False,
    keep: Annotated[str | None, typer.Option("--keep", help="Which step to deliver: best or last.")] = None,
    checkpoint_every: Annotated[int | None, typer.Option("--checkpoint-every", metavar="STEPS")] = None,
    sample_every: Annotated[
        int | None, typer.Option("--sample-every", metavar="STEPS", help="Draw a sample that often.")
    ] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="auto, float32, bfloat16 or float16.")] = None,
    gradient_checkpointing: Annotated[
        str | None,
        typer.Option("--gradient-checkpointing", help="auto, on or off: less memory for more time."),
    ] = None,
    int8_base: Annotated[
        str | None,
        typer.Option("--int8-base", help="auto, on or off: the frozen base's large weights in 8 bits."),
    ] = None,
    group_offload: Annotated[
        str | None,
        typer.Option("--group-offload", help="auto, on or off: those weights near block by block."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Teach a style from a folder of pictures."""
    changes: dict[str, Any] = {
        "method": method,
        "vectors": vectors,
        "init_word": init_word,
        "steps": steps,
        "learning_rate": learning_rate,
        "optimiser": optimiser,
        "rank": rank,
        "batch": batch,
        "resolution": resolution,
        "seed": seed,
        "targets": targets,
        "noise_levels": noise_levels,
        "caption_dropout": caption_dropout,
        "prior": prior,
        "prior_weight": prior_weight,
        "prior_count": prior_count,
        "self_prior": self_prior,
        "neutral": neutral,
        "crops": crops,
        "flip": flip or None,
        "keep": keep,
        "checkpoint_every": checkpoint_every,
        "sample_every": sample_every,
        "dtype": dtype,
        "gradient_checkpointing": gradient_checkpointing,
        "int8_base": int8_base,
        "group_offload": group_offload,
    }

    def act(given: Given) -> Outcome:
        from duktus.actions.reports import style_json
        from duktus.actions.teach_style import teach_style
        from duktus.actions.teaching.lesson import Lesson, held_out_as_said
        from duktus.wiring import workspace

        lesson = Lesson(
            pictures=pictures,
            name=name,
            trigger=trigger,
            base=base,
            template=template,
            held_out=None if held_out is None else held_out_as_said(held_out),
            prior_pictures=prior_pictures,
            resume=resume,
            changes=tuple((key, value) for key, value in changes.items() if value is not None),
        )
        taught = teach_style(workspace(given.place, make=True), lesson, progress=given.terminal)
        words = (
            f"Taught '{name}' in {taught.style.steps} steps and {duration(taught.seconds)}: {taught.path}",
            *_verdict(taught.style),
            f'Next: duktus sweep "{trigger} ..." --style {name} --strength 0.6,0.8,1.0,1.2',
        )
        return Outcome({"style": style_json(taught.style, taught.path)}, words)

    perform(context, as_json, act)


def _verdict(style: Style) -> tuple[str, ...]:
    verdict = style.verdict
    return (f"Verdict: {verdict.outcome.value}.", *verdict.reasons, verdict.next_step)


def _kind(style: Style) -> str:
    """What it is."""
    if not style.vectors:
        return "LoRA"
    began = style.settings.init_word if style.settings else None
    count = "one vector" if style.vectors == 1 else f"{style.vectors} vectors"
    return f"textual inversion: {count} for '{style.trigger}'{f', begun as {began!r}' if began else ''}"


def _settings(settings: TeachSettings) -> str:
    adapter = f"rank {settings.rank}, alpha {settings.alpha:g}, " if settings.init_word is None else ""
    where = f", {settings.targets.value}" if settings.init_word is None else ""
    return (
        f"{adapter}learning rate {settings.learning_rate:g} ({settings.optimiser.value}), "
        f"batch {settings.batch}, {settings.resolution} px{where}"
    )


def _origin(style: Style) -> tuple[str, ...]:
    """How it was taught, or where it was brought in from."""
    settings, came = style.settings, style.imported
    lines: list[str] = []
    if settings is not None:
        lines += [
            (
                f"taught    {style.created:%Y-%m-%d %H:%M} UTC, {len(style.training_pictures)} pictures, "
                f"{style.steps} steps, {duration(style.seconds)}"
            ),
            f"settings  {_settings(settings)}",
        ]
    if settings is not None and settings.prior is not None:
        count = len(style.class_pictures)
        weight = f"weight {settings.prior_weight:g}"
        lines.append(f"keeps     '{settings.prior}': {count} class pictures, {weight}")
    if settings is not None and settings.self_prior is not None:
        words = "their captions without the trigger" if settings.neutral is None else f"'{settings.neutral}'"
        lines.append(f"keeps     the base's answers under {words}, weight {settings.self_prior:g}")
    if came is not None:
        mended = f"; mended: {', '.join(came.mended)}" if came.mended else ", taken as it is"
        lines += [
            f"imported  {style.created:%Y-%m-%d %H:%M} UTC from {came.file_name} ({came.layout}{mended})",
            f"modules   {style.modules} of the denoiser, {style.text_modules} of text encoders",
        ]
    return tuple(lines)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the styles of this workspace."""

    def act(given: Given) -> Outcome:
        from duktus.actions.reports import style_json
        from duktus.actions.styles import list_styles, style_path
        from duktus.wiring import workspace

        here = workspace(given.place)
        found = list_styles(here)
        lines = [
            f"{style.name:<24} {style.verdict.outcome.value:<13} {style.steps:>5} steps  "
            f"trigger '{style.trigger}'  on {style.base.name}{'  (a word)' if style.vectors else ''}"
            for style in found
        ]
        document = {"styles": [style_json(style, style_path(here, style)) for style in found]}
        return Outcome(document, lines or ["No style yet: duktus style teach FOLDER makes one."])

    perform(context, as_json, act)


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The style's name.")],
    as_json: AsJson = False,
) -> None:
    """Show a style: settings, curve, verdict, and where its file lies."""

    def act(given: Given) -> Outcome:
        from duktus.actions.reports import style_json_full
        from duktus.actions.styles import show_style, style_path
        from duktus.wiring import workspace

        here = workspace(given.place)
        style = show_style(here, name)
        path = style_path(here, style)
        lines = [
            f"{style.name}  trigger '{style.trigger}'  on {style.base.name} ({style.family})",
            f"file      {path}",
            f"hash      {style.hash}",
            f"kind      {_kind(style)}",
            *_origin(style),
            *_verdict(style),
        ]
        return Outcome({"style": style_json_full(style, path)}, lines)

    perform(context, as_json, act)


def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The style's name.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder or a .safetensors file; otherwise here.")
    ] = None,
    program: Annotated[
        str | None,
        typer.Option("--for", help="Refuse unless this program loads it whole: comfyui, a1111, diffusers."),
    ] = None,
    metadata: Annotated[
        str, typer.Option("--metadata", help="minimal, or full: also settings, captions and verdict.")
    ] = "minimal",
    as_json: AsJson = False,
) -> None:
    """Copy a style's file out of the workspace, to load it in other programs."""

    def act(given: Given) -> Outcome:
        full = style_file_commands.wants_full(metadata)
        from duktus.actions.styles import export_style
        from duktus.wiring import workspace

        here = workspace(given.place)
        path = export_style(here, name, out, program=program, full_metadata=full).absolute()
        return Outcome({"style": {"name": name, "path": str(path)}}, [f"{path}"])

    perform(context, as_json, act)
