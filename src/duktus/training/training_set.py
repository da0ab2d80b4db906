"""The pictures of one training run: read from a folder, checked one by one, captioned and split.

Beside the pictures in the hand there may be *class pictures*, which show what the base shall go on drawing
as before (prior preservation: Ruiz et al. 2022, DreamBooth, arXiv 2208.12242, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.errors import InputError, PictureError
from duktus.training.captions import METADATA_FILE, captions_for, names_trigger, own_captions
from duktus.training.pictures import PICTURE_SUFFIXES, kind_of, look_hash, open_picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duktus.domain.style import TeachSettings

MIN_PICTURES = 3
MIN_CLASS_PICTURES = 4
MAX_PICTURES = 5000
MIN_FOR_HELD_OUT = 5
MAX_HELD_OUT = 12
"""By the rule; evaluating more costs time and settles nothing."""
CLASS_PROBE = 4
"""Class pictures that are kept back to measure on, where there are enough."""
NEAR_BITS = 10
"""Pictures whose look hashes differ in at most this many of 256 bits are called near-identical."""


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """One picture that passed every check. ``size`` is (width, height), upright, in pixels."""

    path: Path
    sha256: str
    size: tuple[int, int]
    caption: str


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Pictures with captions, in the order of their names."""

    pictures: tuple[TrainingPicture, ...]
    trigger: str
    notes: tuple[str, ...] = ()
    """What the person should know about them, in words."""

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of what is learned from: file hashes, captions and trigger, not names or places."""
        rows = sorted([picture.sha256, picture.caption] for picture in self.pictures)
        return sha256_hex(canonical_json({"trigger": self.trigger, "pictures": rows}))

    def split(self, held_out: int | None) -> tuple[TrainingSet, TrainingSet]:
        """(taught on, kept back). ``None`` keeps back about a fifth: 1 of 5 to 7, 2 of 8 to 12, none
        below 5. Which ones follows from the files' hashes alone, so no seed can shop for an easy one.
        """
        count = len(self.pictures)
        keep = held_out_rule(count) if held_out is None else held_out
        if held_out and count - held_out < 2:
            raise InputError(
                f"{held_out} of {count} pictures cannot be held out.",
                "At least two must be left to teach on.",
                f"Hold out at most {max(0, count - 2)}, or leave the choice to the rule.",
            )
        chosen = {picture.sha256 for picture in sorted(self.pictures, key=lambda p: p.sha256)[:keep]}
        taught = tuple(picture for picture in self.pictures if picture.sha256 not in chosen)
        kept = tuple(picture for picture in self.pictures if picture.sha256 in chosen)
        return TrainingSet(taught, self.trigger, self.notes), TrainingSet(kept, self.trigger)


@dataclass(frozen=True, slots=True)
class _Checked:
    path: Path
    sha256: str
    size: tuple[int, int]
    pixel_hash: str
    look: int
    notes: tuple[str, ...]


def held_out_rule(count: int) -> int:
    """How many of ``count`` pictures are kept back when nobody says."""
    return 0 if count < MIN_FOR_HELD_OUT else min(MAX_HELD_OUT, max(1, round(count / 5)))


def read_training_set(
    folder: Path, *, trigger: str, template: str | None = None, resolution: int
) -> TrainingSet:
    """Every picture of ``folder`` with its caption, each decoded once to prove that it can be.

    ``resolution`` is the edge in pixels that training will crop to; a short side below half of it is
    refused. Raises :class:`PictureError` that names every bad file, or :class:`InputError`.
    """
    files, notes = _picture_files(folder)
    checked, problems = _checked(files, resolution)
    problems += _identical(checked)
    if problems:
        raise _all_problems(folder, problems, len(files))
    if len(checked) < MIN_PICTURES:
        raise InputError(
            f"{folder} holds {len(checked)} picture{'s' * (len(checked) != 1)}.",
            f"A hand shows in what several pictures share; fewer than {MIN_PICTURES} can only be copied.",
            "Add more pictures in the same hand; about ten are good.",
        )
    captions, caption_notes = captions_for(
        folder, [item.path.name for item in checked], trigger=trigger, template=template
    )
    notes += [f"{item.path.name} {note}." for item in checked for note in item.notes]
    notes += [*_size_notes(checked, resolution), *_near_identical(checked), *caption_notes]
    pictures = tuple(
        TrainingPicture(item.path, item.sha256, item.size, caption)
        for item, caption in zip(checked, captions, strict=True)
    )
    return TrainingSet(pictures, trigger, tuple(notes))


def class_prompt(settings: TeachSettings) -> str:
    """The prompt of the class to keep; :class:`InputError` when it calls the style up itself."""
    assert settings.prior is not None  # asked only where there is a prior
    if names_trigger(settings.prior, settings.trigger):
        raise InputError(
            f"The class prompt {settings.prior!r} names the trigger word {settings.trigger!r}.",
            "The class is what the base draws without the style; with the trigger in it the run would be "
            "told to learn the hand and to leave it.",
            "Name the class alone, e.g. --prior 'a portrait of a woman'.",
        )
    return settings.prior


def read_class_folder(folder: Path, settings: TeachSettings) -> TrainingSet:
    """Every picture of ``folder`` as a class picture, with its own caption or else the class prompt.

    Raises :class:`PictureError` that names every bad file, or :class:`InputError`.
    """
    prompt = class_prompt(settings)
    files, _ = _picture_files(folder)
    own = own_captions(folder, [path.name for path in files])
    called = [name for name, caption in own.items() if caption and names_trigger(caption, settings.trigger)]
    if called:
        raise InputError(
            f"The caption of the class picture {called[0]} names the trigger word {settings.trigger!r}.",
            "Class pictures show what the base draws without the style.",
            "Take the word out, or the picture.",
        )
    found = read_class_pictures(folder, files, prompt, settings.resolution)
    captioned = tuple(
        replace(picture, caption=own[picture.path.name] or prompt) for picture in found.pictures
    )
    return replace(found, pictures=captioned)


def read_class_pictures(folder: Path, files: Sequence[Path], prompt: str, resolution: int) -> TrainingSet:
    """Those files of ``folder`` as class pictures, each captioned with the class prompt.

    Raises :class:`PictureError` that names every bad file, or :class:`InputError` for fewer than two.
    """
    checked, problems = _checked(files, resolution)
    if problems:
        raise _all_problems(folder, problems, len(files))
    if len(checked) < MIN_CLASS_PICTURES:
        raise InputError(
            f"{folder} holds {len(checked)} class picture{'s' * (len(checked) != 1)}.",
            f"A class is shown by several; at least {MIN_CLASS_PICTURES} are needed, fifty are good.",
            "Add more, or let the base draw them: leave --prior-pictures out.",
        )
    return TrainingSet(
        tuple(TrainingPicture(item.path, item.sha256, item.size, prompt) for item in checked), trigger=""
    )


def check_class(settings: TeachSettings, pictures: TrainingSet | None) -> None:
    """:class:`InputError` for a class prompt without pictures, or pictures without a prompt."""
    if settings.prior is None and pictures is None:
        return
    if settings.prior is None or pictures is None:
        given, lacking = ("a prompt", "pictures") if pictures is None else ("pictures", "prompt")
        raise InputError(
            f"The class to keep has {given} but no {lacking}.",
            "Prior preservation needs both.",
            "Give both, or neither.",
        )
    class_prompt(settings)


def split_class(pictures: TrainingSet) -> tuple[TrainingSet, TrainingSet]:
    """(shown while teaching, kept back to measure on) of class pictures."""
    return pictures.split(min(CLASS_PROBE, len(pictures.pictures) // 4))


def _checked(files: Sequence[Path], resolution: int) -> tuple[list[_Checked], list[tuple[str, PictureError]]]:
    """Every file that can be used, and what is wrong with the others."""
    checked: list[_Checked] = []
    problems: list[tuple[str, PictureError]] = []
    for path in files:
        try:
            checked.append(_check(path, (resolution + 1) // 2))
        except PictureError as error:
            problems.append((path.name, error))
    return checked, problems


def _picture_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Files that are pictures by content or claim to be by name, sorted; and notes on the rest."""
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder.", "Training pictures are read from one folder.", "Check the path."
        )
    try:
        entries = sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=_by_name)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read.", f"{error.strerror or error}.", "Check its permissions."
        ) from error
    files = [path for path in entries if path.is_file() and _claims_picture(path)]
    if not files:
        raise InputError(
            f"{folder} holds no pictures.", "PNG, JPEG, WebP and TIFF are read.", "Check the path."
        )
    if len(files) > MAX_PICTURES:
        raise InputError(
            f"{folder} holds {len(files):,} pictures.", f"At most {MAX_PICTURES:,} are taken.", "Select some."
        )
    notes = [f"The sub-folder {path.name} is not read." for path in entries if path.is_dir()]
    notes += [f"{path.name} is no picture and is ignored." for path in entries if _is_stray(path, files)]
    return files, notes


def _by_name(path: Path) -> str:
    return path.name


def _claims_picture(path: Path) -> bool:
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return True
    if path.suffix.lower() in {".txt", ".jsonl", ".json"}:
        return False
    try:
        with path.open("rb") as file:
            return kind_of(file.read(16)) is not None
    except OSError:
        return False


def _is_stray(path: Path, files: Sequence[Path]) -> bool:
    known = path in files or path.name == METADATA_FILE or path.suffix.lower() == ".txt"
    return path.is_file() and not known


def _check(path: Path, smallest: int) -> _Checked:
    opened = open_picture(path, smallest=smallest)
    height, width, _ = opened.pixels.shape
    look = look_hash(opened.pixels)
    return _Checked(path, opened.sha256, (width, height), opened.pixel_hash, look, opened.notes)


def _identical(checked: Sequence[_Checked]) -> list[tuple[str, PictureError]]:
    first: dict[str, str] = {}
    problems: list[tuple[str, PictureError]] = []
    for item in checked:
        twin = first.setdefault(item.pixel_hash, item.path.name)
        if twin != item.path.name:
            error = PictureError(
                f"is the same picture as {twin}.",
                "Shown twice, one picture is learned by heart before the others are learned at all.",
                "Remove one of the two.",
            )
            problems.append((item.path.name, error))
    return problems


def _near_identical(checked: Sequence[_Checked]) -> list[str]:
    return [
        f"{one.path.name} and {other.path.name} look almost the same; one of them would do."
        for index, one in enumerate(checked)
        for other in checked[index + 1 :]
        if (one.look ^ other.look).bit_count() <= NEAR_BITS
    ]


def _size_notes(checked: Sequence[_Checked], resolution: int) -> list[str]:
    notes: list[str] = []
    for item in checked:
        short, long = min(item.size), max(item.size)
        if short < resolution:
            notes.append(
                f"{item.path.name} is enlarged from {short} to {resolution} pixels; it will be soft."
            )
        if long > 2 * short:
            notes.append(f"{item.path.name} is {long / short:.1f} : 1; only its middle square is seen.")
    return notes


def _all_problems(folder: Path, problems: Sequence[tuple[str, PictureError]], total: int) -> PictureError:
    lines = [
        f"\n- {name} {' '.join(part for part in (error.what, error.why, error.next_step) if part)}"
        for name, error in problems
    ]
    return PictureError(
        f"{len(problems)} of {total} pictures in {folder} cannot be used:" + "".join(lines),
        "",
        "\nNothing was started. Mend or remove these files and try again.",
    )
