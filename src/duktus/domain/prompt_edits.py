"""Changing a prompt by its fragments, the parts between commas, instead of writing it anew."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from duktus.domain.changes import fragments
from duktus.domain.errors import InputError

ARROW = "=>"


@dataclass(frozen=True, slots=True)
class PromptEdits:
    """``swaps`` are (old, new) pieces of text; ``drops`` are fragments; ``adds`` are put at the end."""

    swaps: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()

    def applied(self, what: str, prompt: str) -> str:
        """The prompt after swaps, drops and adds, in that order; as it was, to the letter, without any.

        ``what`` names the prompt in the error. :class:`InputError` for something that is not in it: an edit
        that does nothing would be believed to have done something.
        """
        for old, new in self.swaps:
            if old not in prompt:
                raise _missing(what, old, prompt)
            prompt = prompt.replace(old, new)
        for drop in self.drops:
            parts = fragments(prompt)
            if drop not in parts:
                raise _missing(what, drop, prompt)
            prompt = ", ".join(part for part in parts if part != drop)
        return ", ".join(filter(None, [prompt, *self.adds]))


NO_EDITS = PromptEdits()


def swap(text: str) -> tuple[str, str]:
    """(old, new) from ``old => new``."""
    old, arrow, new = text.partition(ARROW)
    if not arrow or not old.strip():
        raise InputError(
            f"'{text}' does not say what is swapped for what.",
            f"Between the two stands {ARROW}.",
            f'Write for instance --swap "red background {ARROW} blue background".',
        )
    return old.strip(), new.strip()


def _missing(what: str, piece: str, prompt: str) -> InputError:
    near = get_close_matches(piece, fragments(prompt), 1, cutoff=0.4)
    return InputError(
        f"'{piece}' is not in the {what}.",
        "So there is nothing to swap or to drop.",
        f"Did you mean '{near[0]}'?" if near else f"The {what} is: {prompt or 'empty'}",
    )
