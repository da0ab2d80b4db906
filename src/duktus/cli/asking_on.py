"""``render --from``: from the options to what is to be different, and what is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from duktus.cli.asking import Asked, request
from duktus.cli.outcome import Given, Outcome
from duktus.domain.asset import PictureFormat
from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from duktus.actions.going_on import Wanted
    from duktus.cli.beginning import Begins
    from duktus.domain.prompt_edits import PromptEdits


@dataclass(frozen=True, slots=True)
class PromptEdited:
    """The options that change one prompt by its parts, as typed."""

    swap: list[str]
    drop: list[str]
    add: list[str]

    def read(self) -> PromptEdits:
        """The edits they ask for."""
        from duktus.domain.prompt_edits import PromptEdits, swap

        return PromptEdits(tuple(map(swap, self.swap)), tuple(self.drop), tuple(self.add))


@dataclass(frozen=True, slots=True)
class Edits:
    """The same for both prompts."""

    prompt: PromptEdited
    negative: PromptEdited

    def __bool__(self) -> bool:
        """Whether any was given."""
        return any(one.swap or one.drop or one.add for one in (self.prompt, self.negative))


def only_with_from(asked: Asked, edits: Edits, without: list[str]) -> None:
    """Refuse options that mean nothing without a picture to go on from."""
    if not asked.prompts:
        raise InputError(
            "There is nothing to draw.",
            "Neither a prompt was given nor a picture to go on from.",
            'Write for instance duktus render "a woman", or duktus render --from ASSET --cfg 4.4.',
        )
    if edits or without:
        raise InputError(
            "An option was given that changes a picture, but no picture to go on from.",
            "--without, --add, --drop, --swap and those for the negative prompt need --from.",
            "Name the picture with --from, or write the whole prompt.",
        )


def wanted_of(asked: Asked, edits: Edits, begins: Begins, without: list[str]) -> Wanted:
    """What is to be different from the picture one goes on from."""
    from duktus.actions.going_on import Wanted

    made = request(asked, several=False, begins=begins)
    return Wanted(
        prompt=made.prompts[0] if made.prompts else None,
        negative=made.negatives[0] if made.negatives else None,
        prompt_edits=edits.prompt.read(),
        negative_edits=edits.negative.read(),
        styles=made.styles,
        text_strengths=made.text_strengths,
        strength=made.strengths[0] if made.strengths else None,
        seeds=made.seeds if asked.seed is not None or asked.count is not None else (),
        cfg=made.cfgs[0] if made.cfgs else None,
        guidance=made.guidances[0] if made.guidances else None,
        steps=made.steps[0] if made.steps else None,
        sampler=made.samplers[0] if made.samplers else None,
        schedule=made.schedules[0] if made.schedules else None,
        size=made.sizes[0] if made.sizes else None,
        clip_skip=made.clip_skips[0] if made.clip_skips else None,
        beginning=made.beginning,
        base=asked.base,
        without=tuple(part.strip() for text in without for part in text.split(",")),
    )


def going_on(
    given: Given,
    parent: str,
    wanted: Wanted,
    *,
    aim: str,
    out: Path | None,
    kind: PictureFormat | None,
    steps_strip: bool,
) -> Outcome:
    """Render the children and tell what was changed."""
    from duktus.actions.going_on import go_on
    from duktus.actions.reports import asset_json
    from duktus.cli.naming import made_line
    from duktus.domain.changes import told
    from duktus.wiring import workspace

    here = workspace(given.place)
    done = go_on(
        here, parent, wanted, aim=aim, out=out, kind=kind, steps_strip=steps_strip, progress=given.terminal
    )
    lines = [f"from {done.parent.id}: {'; '.join(told(done.descents[0].changes))}"]
    lines += [made_line(one, here.file(one)) for one in done.assets]
    document = {
        "assets": [asset_json(here, one) for one in done.assets],
        "descents": [descent.model_dump(mode="json") for descent in done.descents],
        "notes": list(done.notes),
        "copies": [str(path.absolute()) for path in done.copies],
    }
    return Outcome(document, lines)
