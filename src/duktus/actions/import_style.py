"""`duktus style import FILE`: a style that was taught elsewhere, into the workspace."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from duktus.actions.names import checked_name, slug
from duktus.actions.progress import Progress, Silent
from duktus.actions.style_files import checked_with_proof, recognised
from duktus.actions.styles import SUFFIX, style_path
from duktus.actions.word_files import checked_word, is_word_file, mend_word, recognised_word
from duktus.actions.workspace import Workspace
from duktus.archive import styles
from duktus.archive.disk import explained
from duktus.archive.lock import Lock
from duktus.archive.times import now
from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import Imported, Outcome, Style, Verdict
from duktus.domain.style_check import StyleCheck
from duktus.families.safetensors_header import tensor_hash
from duktus.families.style_files import mending
from duktus.families.style_files.checking import usable_trigger
from duktus.families.style_files.recognising import TEXT_WORN
from duktus.families.word_layout import check_vectors

UNJUDGED = Verdict(
    outcome=Outcome.NOT_JUDGED,
    best_step=0,
    reasons=("It was taught elsewhere, so its training was not seen.",),
    next_step="Look at it in a sweep over its strength.",
)


@dataclass(frozen=True, slots=True)
class StyleImported:
    """The style as the archive holds it, its file, and what the file given looked like."""

    style: Style
    path: Path
    check: StyleCheck


def import_style(
    workspace: Workspace,
    path: Path,
    *,
    name: str | None = None,
    base: str | None = None,
    trigger: str | None = None,
    progress: Progress | None = None,
) -> StyleImported:
    """Bring a style file in for a base (default: the workspace's own), mended where that is needed.

    A file in the canonical layout is kept byte for byte; another is kept as it was given, and its mended
    copy becomes the style. ``name`` defaults to the file's, ``trigger`` to the word in its metadata, then to
    the name.

    Raises:
        UserError: not a style, damaged, not whole on that base, or the name is taken; nothing is written.
    """
    told = progress or Silent()
    for_base = workspace.base(base)
    given = _word(workspace, path, for_base) if is_word_file(path) else _adapter(workspace, path, for_base)
    called = checked_name("style", name or slug(path.stem) or "style")
    with workspace.archive.read() as connection:
        if styles.has(connection, called):
            raise styles.name_taken(called)
    if trigger is not None and usable_trigger(trigger) != trigger:
        raise InputError(
            f"The trigger word {trigger!r} cannot be used.",
            "It is empty or too long, or holds spaces at its ends or characters that cannot be typed.",
            "Choose one that prompts can hold.",
        )
    given.check_whole()
    checked = given.checked(told)
    with (
        explained(workspace.root),
        Lock(workspace.root / "archive" / "locks" / f"style-{called}.lock", f"the style '{called}'"),
        tempfile.TemporaryDirectory() as folder,
    ):
        workspace.prepare()
        delivered = path if checked.canonical else Path(folder) / f"{called}{SUFFIX}"
        if delivered is not path:
            given.mend(delivered)
        given_hash = workspace.store.put_file(path)
        if given_hash != checked.file_hash:
            raise InputError(f"{path.name} changed while it was read.", next_step="Try again.")
        record = _record(called, for_base, checked, delivered, workspace.store.put_file(delivered))
        record = record.model_copy(update={"trigger": trigger or checked.trigger or called})
        workspace.store.name(record.file_hash, workspace.root / "styles" / f"{called}{SUFFIX}")
        with workspace.archive.write() as connection:
            styles.add(connection, for_base, record)
    return StyleImported(record, style_path(workspace, record), checked)


@dataclass(frozen=True, slots=True)
class _Given:
    """A file that fits the base, and what is done with one of its kind."""

    check_whole: Callable[[], object]
    """Raises what is not whole and healthy."""
    checked: Callable[[Progress], StyleCheck]
    mend: Callable[[Path], object]


def _adapter(workspace: Workspace, path: Path, base: Base) -> _Given:
    style = recognised(workspace, path, base.name)
    if all(style.is_text(stem) for stem in style.places):
        raise InputError(
            f"{path.name} changes the text encoder alone.",
            "duktus applies the text part of a style beside its part for the denoiser only.",
        )
    if base.family not in TEXT_WORN and any(style.is_text(stem) for stem in style.places):
        raise InputError(
            f"{path.name} also changes the text encoder.",
            f"duktus cannot apply that part on {base.family} yet, and would draw something else.",
            "Ask its author for one without it.",
        )
    return _Given(
        lambda: mending.pieces(style),
        lambda told: checked_with_proof(workspace, style, told),
        lambda target: mending.repair(style, target),
    )


def _word(workspace: Workspace, path: Path, base: Base) -> _Given:
    word = recognised_word(workspace, path, base.name)
    return _Given(
        lambda: check_vectors(word.tensors(), path.name),
        lambda told: checked_word(workspace, word, told),
        lambda target: mend_word(word, target),
    )


def _record(name: str, base: Base, checked: StyleCheck, delivered: Path, file_hash: str) -> Style:
    return Style(
        name=name,
        hash=tensor_hash(delivered),
        file_hash=file_hash,
        trigger=name,
        base=base.ref,
        family=base.family,
        settings=None,
        steps=0,
        seconds=0,
        verdict=UNJUDGED,
        curve=(),
        imported=Imported(
            file_name=checked.name,
            file_hash=checked.file_hash,
            tensor_hash=checked.tensor_hash,
            layout=checked.layout,
            mended=() if checked.canonical else checked.traps,
        ),
        modules=checked.modules,
        text_modules=checked.text_modules,
        method=checked.method,
        vectors=checked.vectors,
        created=now(),
    )
