"""Everything that can go wrong, in one tree.

::

    DuktusError
    ├── UserError            the person can mend it: message in three parts, exit code 2 / HTTP 4xx
    │   ├── InputError       a value, option or file that cannot be used as given
    │   │   └── PictureError a picture that cannot be used; names the file
    │   ├── NotFoundError    a name or id that the workspace does not know
    │   ├── ConflictError    the name is taken, or another process holds it
    │   ├── StorageError     disk full, read-only folder, damaged archive
    │   ├── MismatchError    two things that do not belong together, e.g. a style of another base
    │   └── TrainingError    a training run that cannot go on, with its cause
    └── (anything else raised is a bug: traceback, exit code 1 / HTTP 5xx)
"""

from __future__ import annotations


class DuktusError(Exception):
    """Base of every error that duktus raises on purpose."""


class UserError(DuktusError):
    """Something the person can mend.

    ``what`` happened, ``why``, and the ``next_step``; each a sentence or empty. ``str()`` joins them.
    """

    def __init__(self, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__(" ".join(part for part in (what, why, next_step) if part))
        self.what = what
        self.why = why
        self.next_step = next_step


class InputError(UserError):
    """A value, option or file that cannot be used as given."""


class PictureError(InputError):
    """A picture that cannot be used."""


class NotFoundError(UserError):
    """A name or id that the workspace does not know."""


class ConflictError(UserError):
    """A name that is taken, or that another process is working on."""


class StorageError(UserError):
    """Disk full, read-only folder, damaged archive."""


class MismatchError(UserError):
    """Two things that do not belong together."""


class TrainingError(UserError):
    """A training run that cannot go on."""
