"""`duktus style list|show|export`."""

from __future__ import annotations

import json
from pathlib import Path

from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.archive.disk import explained
from duktus.archive.store import copy_out, write_whole
from duktus.domain.errors import ConflictError, InputError, MismatchError
from duktus.domain.style import Style

SUFFIX = ".safetensors"


def list_styles(workspace: Workspace) -> list[Style]:
    """All styles of the workspace, oldest first."""
    with workspace.archive.read() as connection:
        return styles.everyone(connection)


def show_style(workspace: Workspace, name: str) -> Style:
    """One style with its settings, curve and verdict."""
    with workspace.archive.read() as connection:
        return styles.get(connection, name)


def style_path(workspace: Workspace, style: Style) -> Path:
    """The style's file under its name for people; in the store when that was removed."""
    named = workspace.root / "styles" / f"{style.name}{SUFFIX}"
    return named if named.is_file() else workspace.store.path(style.file_hash)


def export_style(
    workspace: Workspace,
    name: str,
    out: Path | None = None,
    *,
    program: str | None = None,
    full_metadata: bool = False,
) -> Path:
    """Copy a style's checked file to ``out``, a file or a folder (default: the present folder).

    One file serves every program that knows its family; ``program`` asks the rules whether that one does.
    ``full_metadata`` also writes the settings, captions and verdict of the training into the file.

    Raises:
        UserError: the program does not load it whole, or ``out`` exists.
    """
    style = show_style(workspace, name)
    if program is not None:
        _check_for(workspace, style, program)
    target = out or Path.cwd()
    if target.suffix != SUFFIX:
        target = target / f"{name}{SUFFIX}"
    if target.exists():
        raise ConflictError(
            f"{target} exists already.",
            "An export never overwrites a file.",
            "Remove it first, or export under another name with --out.",
        )
    with explained(target):
        if full_metadata:
            write_whole(target, _told_in_full(workspace, style))
        else:
            copy_out(workspace.store.checked(style.file_hash), target)
    return target


def _check_for(workspace: Workspace, style: Style, program: str) -> None:
    from duktus.families.style_files import programs  # noqa: PLC0415 - it needs torch, a copy does not
    from duktus.families.style_files.checking import row  # noqa: PLC0415
    from duktus.families.style_files.reading import read_style_file  # noqa: PLC0415
    from duktus.families.style_files.recognising import recognise  # noqa: PLC0415
    from duktus.families.style_files.truth import of_folder  # noqa: PLC0415

    known = {one.name.lower(): one for one in programs.PROGRAMS}
    if program.lower() not in known:
        raise InputError(f"The program '{program}' is unknown.", f"Known: {', '.join(known)}.")
    if style.vectors:
        return  # the one layout of words is read by all of them
    folder = workspace.known_bases().get(style.base.name)
    here = [] if folder is None else [of_folder(folder, style.family, style.base.name)]
    found = row(
        recognise(read_style_file(workspace.store.checked(style.file_hash)), here), known[program.lower()]
    )
    if not found.whole:
        raise MismatchError(
            f"{found.program} does not load '{style.name}' whole:",
            f"{found.words or 'by its rules only a part of it'} ({found.loaded} of {found.of} modules).",
            "duktus style check says which programs do.",
        )


def _told_in_full(workspace: Workspace, style: Style) -> bytes:
    from duktus.families.safetensors_header import read_header  # noqa: PLC0415
    from duktus.families.style_file import with_metadata  # noqa: PLC0415 - it needs torch, a copy does not

    path = workspace.store.checked(style.file_hash)
    return with_metadata(path.read_bytes(), {**read_header(path).metadata, **full_metadata_of(style)})


def full_metadata_of(style: Style) -> dict[str, str]:
    """Everything the archive knows of a style's training, under the field's names; folders are not known."""
    told = {"ss_output_name": style.name, "modelspec.title": style.name}
    settings = style.settings
    if settings is None:
        return told
    counted = {caption: style.captions.count(caption) for caption in sorted(set(style.captions))}
    return told | {
        "modelspec.date": style.created.isoformat(),
        "ss_training_started_at": str(style.created.timestamp() - style.seconds),
        "ss_training_finished_at": str(style.created.timestamp()),
        "ss_num_train_images": str(len(style.training_pictures)),
        "ss_num_reg_images": str(len(style.class_pictures)),
        **({"ss_prior_loss_weight": f"{settings.prior_weight:g}"} if settings.prior else {}),
        "ss_total_batch_size": str(settings.batch),
        "ss_learning_rate": f"{settings.learning_rate:g}",
        "ss_caption_dropout_rate": f"{settings.caption_dropout:g}",
        "ss_min_snr_gamma": "None" if settings.min_snr_gamma is None else f"{settings.min_snr_gamma:g}",
        "ss_seed": str(settings.seed),
        "ss_tag_frequency": json.dumps({"captions": counted}, ensure_ascii=False),
        "duktus.settings": settings.model_dump_json(),
        "duktus.verdict": style.verdict.model_dump_json(),
        "duktus.training_pictures": json.dumps(list(style.training_pictures)),
    }
