"""`duktus style check FILE`: what every program makes of a style file, and a mended copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from duktus.actions.progress import Progress, Silent
from duktus.actions.styles import SUFFIX
from duktus.actions.word_files import checked_word, is_word_file, mend_word, recognised_word
from duktus.actions.workspace import Workspace
from duktus.domain.errors import ConflictError, UserError
from duktus.domain.style_check import StyleCheck
from duktus.families.registry import family_of
from duktus.families.style_files import mending, proving, truth
from duktus.families.style_files.checking import check, proved
from duktus.families.style_files.reading import read_style_file
from duktus.families.style_files.recognising import Recognised, recognise
from duktus.families.style_files.truth import Truth


@dataclass(frozen=True, slots=True)
class Repair:
    """That a mended copy is wanted: where (default: beside the file), and with how much metadata."""

    out: Path | None = None
    full_metadata: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The file, and its mended copy where one was asked for and needed."""

    check: StyleCheck
    repaired: Path | None = None
    after: StyleCheck | None = None
    """The mended copy, checked as the file was."""


def check_style(
    workspace: Workspace,
    path: Path,
    *,
    base: str | None = None,
    repair: Repair | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Check a file; with ``repair`` also write a mended copy.

    The file itself is never touched, and a workspace need not be there: it only adds its bases to the
    architectures that are looked at. A file that already is canonical is not copied.

    Raises:
        UserError: no style file, damaged, of no family that duktus knows, or not mendable without loss.
    """
    told = progress or Silent()
    if is_word_file(path):
        return _check_word(workspace, path, base, repair, told)
    style = recognised(workspace, path, base)
    checked = checked_with_proof(workspace, style, told)
    if repair is None or style.canonical:
        return Checked(checked)
    target = _target(path, repair)
    mending.repair(style, target, full_metadata=repair.full_metadata)
    again = recognise(read_style_file(target), [style.truth])
    return Checked(checked, target, checked_with_proof(workspace, again, told))


def _check_word(
    workspace: Workspace, path: Path, base: str | None, repair: Repair | None, told: Progress
) -> Checked:
    word = recognised_word(workspace, path, base)
    checked = checked_word(workspace, word, told)
    if repair is None or word.canonical:
        return Checked(checked)
    target = _target(path, repair)
    mend_word(word, target, full_metadata=repair.full_metadata)
    again = recognised_word(workspace, target, base)
    return Checked(checked, target, checked_word(workspace, again, told))


def _target(path: Path, repair: Repair) -> Path:
    target = repair.out or path.with_name(f"{path.stem}.mended{SUFFIX}")
    if target.exists():
        raise ConflictError(
            f"{target} exists already.",
            "A mended copy never overwrites a file.",
            "Name another one with --out.",
        )
    return target


def recognised(workspace: Workspace, path: Path, base: str | None) -> Recognised:
    """The file beside the base named, or whichever base or public architecture it fits best."""
    file = read_style_file(path)
    return recognise(file, candidates(workspace, base), only=base is not None)


def candidates(workspace: Workspace, base: str | None = None) -> Sequence[Truth]:
    """The architectures of the workspace's bases, its own first; of one alone when it is named."""
    if base is not None:
        named = workspace.base(base)
        return [truth.of_folder(named.folder, named.family, named.name)]
    own = workspace.base_name
    known = workspace.known_bases()
    found: list[Truth] = []
    for name in sorted(known, key=lambda name: (name != own, name)):
        folder = known[name]
        try:
            found.append(truth.of_folder(folder, family_of(folder).name, name))
        except UserError:  # a base that cannot be read says so where it is used
            continue
    return found


def checked_with_proof(workspace: Workspace, style: Recognised, told: Progress) -> StyleCheck:
    """By rule, and the diffusers row by really loading where the base is at hand and peft installed."""
    checked = check(style)
    whole = not (checked.problems or checked.unmatched or checked.unsupported or style.file.unknown)
    if style.truth.base is None or not whole or not proving.can_prove():
        return checked
    told.say(f"Loading {style.file.path.name} with diffusers.")
    configs = truth.configs_of(workspace.base_folder(style.truth.base))
    return proved(checked, proving.prove(style.file.path, style.truth.family, configs, mending.pieces(style)))
