"""`duktus aim`: saying what is sought with a picture, a series or a collection."""

from __future__ import annotations

from dataclasses import dataclass

from duktus.actions.subjects import named_subject
from duktus.actions.workspace import Workspace
from duktus.archive import descents
from duktus.domain.descent import Aim, Subject
from duktus.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Aimed:
    """What was said about what. ``subject`` is an asset's id or a name."""

    kind: Subject
    subject: str
    aim: Aim


def say_aim(workspace: Workspace, name: str, text: str) -> Aimed:
    """Record what is sought; the newest counts, earlier ones stay in the archive."""
    if not text.strip():
        raise InputError(
            "No aim was given.",
            "An aim is a few words.",
            'Write for instance duktus aim portraits "more blue".',
        )
    kind, subject = named_subject(workspace, name)
    with workspace.archive.write() as connection:
        descents.say_aim(connection, kind, subject, text.strip(), author=workspace.author)
        said = descents.aims_of(connection, kind, [subject])
    return Aimed(kind, subject, said[subject])
