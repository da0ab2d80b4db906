"""What a training run amounts to, in one word and in sentences with their numbers.

The rule rests on two curves, both read relative to the base (1 = the base, 0 = perfect):

- H, the loss on pictures that were held out; it falls while the hand is learned and climbs when the
  pictures themselves are learned by heart;
- T, the same loss on pictures that were taught on; it falls all the while.

The *best step* is the earliest whose H lies within 1 % of the lowest H. What was gained there is ``1 - H``.
A later step has *given back* the share of that gain by which its H has climbed again. While T keeps falling:

- at least 10 % given back: **over-trained**; at least 30 %: **memorised** (a third of what was learned about
  the hand is gone, while the training pictures are drawn ever better);
- T falls by a fifth while H gains nothing at all: memorised too.

With T climbing as well, or neither better than the base: **damaged**. With H still falling steeply at the
last step, or hardly fallen: **under-trained**. Everything else is **good**. Rendered samples, where the
caller can draw them, overrule a good: near-copies of originals, or seeds that all give one picture.
Memorised training pictures lower the training loss like anything else learned, so that curve alone cannot
show them (https://arxiv.org/abs/2509.25705).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duktus.domain.style import Outcome, Verdict
from duktus.training.evaluation import Evaluation, Swapped, mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duktus.training.looks import Looks

NEAR_BEST = 0.01
"""Held-out losses within this share of the lowest count as equal; the earliest of them is best."""
OVER_TRAINED = 0.10
MEMORISED = 0.30
"""Shares of the held-out gain given back."""
NO_GAIN = 0.02
LEARNED_BY_HEART = 0.20
STILL_FALLING = 0.05
"""Share of the whole held-out gain that the last stretch between two evaluations brought."""
SEEDS_APART = 0.6
"""Samples of one prompt keep at least this share of the originals' mean distance, or of what the base alone
gives for that prompt where that is less."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of a run when it ends."""

    evaluations: Sequence[Evaluation]
    """The first is the base's, at step 0."""
    delivered: int
    keep: str
    """``best`` or ``last``: which step was asked for."""
    held_out_pictures: int
    taught_pictures: int
    swapped: tuple[Swapped, Swapped] | None = None
    """Of the base and of the delivered adapter."""
    looks: Looks | None = None
    prior: str | None = None
    """The prompt of the class that was to be kept."""
    drift: float | None = None
    """How far the answers to neutral captions have moved, as a share of the base's error; None without a
    self-prior.
    """
    smaller: str = "a lower rank"
    """How less could be learned."""


@dataclass(frozen=True, slots=True)
class _At:
    """One step's place on both curves, relative to the base."""

    step: int
    held_out: float | None
    taught: float


def best_step(evaluations: Sequence[Evaluation]) -> int | None:
    """The earliest step after 0 within 1 % of the lowest held-out loss; None when nothing is held out."""
    losses = [(item.step, mean(item.held_out)) for item in evaluations if item.step and item.held_out]
    if not losses:
        return None
    lowest = min(loss for _, loss in losses)
    return next(step for step, loss in losses if loss <= lowest * (1 + NEAR_BEST))


def candidates(evaluations: Sequence[Evaluation]) -> frozenset[int]:
    """Steps that are, or may still turn out to be, the best one: all within 1 % of the lowest."""
    losses = [(item.step, mean(item.held_out)) for item in evaluations if item.step and item.held_out]
    lowest = min((loss for _, loss in losses), default=0.0)
    return frozenset(step for step, loss in losses if loss <= lowest * (1 + NEAR_BEST))


def has_settled(evaluations: Sequence[Evaluation], patience: int | None) -> bool:
    """Whether the last ``patience`` evaluations brought no held-out loss below the best one's by 1 %."""
    best = best_step(evaluations)
    if patience is None or best is None:
        return False
    return sum(item.step > best for item in evaluations) >= patience


def judge(seen: Seen) -> Verdict:
    """The verdict on the delivered step, with what happened later in the run."""
    curve = _relative(seen.evaluations)
    upto = [at for at in curve if at.step <= seen.delivered]
    outcome, reasons = _judge_curve(upto, seen, ended=seen.delivered == curve[-1].step)
    looked, said = _judge_looks(seen.looks)
    if looked is not None and outcome is not Outcome.DAMAGED:
        outcome = looked
    reasons += said + _judge_swap(seen.swapped) + _kept_class(seen) + _drifted(seen) + _later(curve, seen)
    best = best_step(seen.evaluations) or seen.delivered
    return Verdict(
        outcome=outcome,
        best_step=best,
        reasons=tuple(reasons),
        next_step=_advice(outcome, seen, best),
        measures=_measures(seen, curve),
    )


def _relative(evaluations: Sequence[Evaluation]) -> list[_At]:
    base = evaluations[0]
    assert base.step == 0  # every run begins with the base's own losses
    return [
        _At(
            item.step,
            mean(item.held_out) / mean(base.held_out) if item.held_out else None,
            mean(item.train_probe) / mean(base.train_probe),
        )
        for item in evaluations
    ]


def _judge_curve(curve: Sequence[_At], seen: Seen, *, ended: bool) -> tuple[Outcome, list[str]]:
    """The word for the last step of ``curve``, and why."""
    last = curve[-1]
    if last.held_out is None:
        return _judge_without_held_out(last)
    held = [(at, at.held_out) for at in curve if at.held_out is not None and at.step]
    best, lowest = min(held, key=lambda pair: pair[1])
    gain, learned = 1 - lowest, 1 - last.taught
    fell = (
        f"At step {last.step} the loss on {_pictures(seen.held_out_pictures)} that it never saw is "
        f"{last.held_out:.2f} of the base's; on the pictures it was taught on, {last.taught:.2f}."
    )
    if last.held_out >= 1 and last.taught >= 1:
        return Outcome.DAMAGED, [fell, "It draws both worse than the base does."]
    if gain < NO_GAIN:
        if learned >= LEARNED_BY_HEART:
            return Outcome.MEMORISED, [fell, "Nothing of what it learned carries over to unseen pictures."]
        return Outcome.UNDER_TRAINED, [fell, "So far it has learned next to nothing of the hand."]
    given_back = (last.held_out - lowest) / gain
    if given_back >= OVER_TRAINED:
        return _judge_climb(last, best, given_back, fell)
    before = held[-2][1] if len(held) > 1 else 1.0
    stretch = (before - last.held_out) / gain
    if ended and last is best and stretch >= STILL_FALLING and len(held) > 1:
        why = f"It was still falling: {stretch:.0%} of the whole gain came since the evaluation before."
        return Outcome.UNDER_TRAINED, [fell, why]
    return Outcome.GOOD, [fell, "What it learned holds for pictures it never saw."]


def _judge_climb(last: _At, best: _At, given_back: float, fell: str) -> tuple[Outcome, list[str]]:
    assert best.held_out is not None
    climb = (
        f"Since step {best.step}, where it was {best.held_out:.2f}, it has given back {given_back:.0%} of "
        "what it had gained on unseen pictures"
    )
    if last.taught >= best.taught:
        return Outcome.DAMAGED, [fell, f"{climb}, and got worse on its own pictures too."]
    outcome = Outcome.MEMORISED if given_back >= MEMORISED else Outcome.OVER_TRAINED
    return outcome, [
        fell,
        f"{climb}, while its own pictures went from {best.taught:.2f} to {last.taught:.2f}.",
    ]


def _judge_without_held_out(last: _At) -> tuple[Outcome, list[str]]:
    fell = (
        f"At step {last.step} the loss on the pictures it was taught on is {last.taught:.2f} of the base's."
    )
    unknown = "No picture was held out, so nobody has measured what carries over to unseen ones."
    if last.taught >= 1:
        return Outcome.DAMAGED, [fell, "It draws them worse than the base does.", unknown]
    if 1 - last.taught < NO_GAIN:
        return Outcome.UNDER_TRAINED, [fell, "So far it has learned next to nothing of the hand.", unknown]
    return Outcome.GOOD, [fell, unknown]


def _judge_looks(looks: Looks | None) -> tuple[Outcome | None, list[str]]:
    if looks is None:
        return None, []
    apart = (
        f"{looks.samples} samples of one prompt keep {looks.share:.0%} of the originals' mean distance "
        f"({looks.diversity:.3f} of {looks.originals_diversity:.3f})."
    )
    if looks.copies:
        number = len(looks.copies)
        copies = f"{number} of them {'are near-copies' if number > 1 else 'is a near-copy'} of an original."
        return Outcome.MEMORISED, [apart, copies]
    if are_alike(looks):
        return Outcome.MEMORISED, [f"{apart} That is too little: the seeds draw one picture."]
    return None, [apart]


def are_alike(looks: Looks) -> bool:
    """Whether the seeds draw too much the same picture, as far as is known: where they do, and the base was
    not looked at yet, its own pictures of that prompt are worth drawing.
    """
    return looks.diversity < SEEDS_APART * min(looks.originals_diversity, looks.base_diversity or 1.0)


def _judge_swap(swapped: tuple[Swapped, Swapped] | None) -> list[str]:
    if swapped is None:
        return []
    base, style = (pair.swapped / pair.own for pair in swapped)
    if style / base < 1.15:
        return []
    words = (
        f"A training picture under another's caption costs {style - 1:.0%} more than under its own "
        f"(the base: {base - 1:.0%}): it has begun to tie pictures to their captions."
    )
    return [words]


def _class_loss(seen: Seen) -> float | None:
    """On class pictures kept back, relative to the base; None without a prior."""
    chosen = next(item for item in seen.evaluations if item.step == seen.delivered)
    if not chosen.prior:
        return None
    return mean(chosen.prior) / mean(seen.evaluations[0].prior)


def _kept_class(seen: Seen) -> list[str]:
    relative = _class_loss(seen)
    if relative is None:
        return []
    words = (
        f"On class pictures it was not shown ('{seen.prior}') its loss is {relative:.2f} of the base's; "
        "1 is a class kept as it was."
    )
    return [words]


def _drifted(seen: Seen) -> list[str]:
    if seen.drift is None:
        return []
    words = (
        f"Without the trigger word its answers have moved by {seen.drift:.0%} of the base's own error; "
        "0 % is a base that draws everything else as before."
    )
    return [words]


def _later(curve: Sequence[_At], seen: Seen) -> list[str]:
    """What the run did after the delivered step."""
    last = curve[-1]
    if last.step <= seen.delivered:
        return []
    outcome, _ = _judge_curve(curve, seen, ended=True)
    assert last.held_out is not None  # another step than the last is delivered for its held-out loss only
    word = {
        Outcome.MEMORISED: "it memorised",
        Outcome.OVER_TRAINED: "it was over-trained",
        Outcome.DAMAGED: "it got worse on every picture",
    }.get(outcome, "it got no better")
    words = (
        f"Trained on to step {last.step} {word}: {last.held_out:.2f} on unseen pictures, {last.taught:.2f} "
        f"on its own. The delivered step {seen.delivered} comes from before that."
    )
    return [words]


def _advice(outcome: Outcome, seen: Seen, best: int) -> str:
    last = seen.evaluations[-1].step
    if outcome is Outcome.GOOD:
        return "Render a sweep over the strength, from 0.6 to 1.3, to find where you like it best."
    if outcome is Outcome.UNDER_TRAINED:
        return f"Teach on: --steps {max(2 * last, last + 50)} --resume, or raise the learning rate."
    if outcome is Outcome.DAMAGED:
        return "Teach again with a lower learning rate, e.g. half of it."
    if seen.keep == "last" and best < seen.delivered:
        return f"Deliver the best step instead of the last: --keep best gives step {best}."
    return f"Teach with more pictures, several crops (--crops 4), fewer steps or {seen.smaller}."


def _measures(seen: Seen, curve: Sequence[_At]) -> dict[str, float]:
    """Every number the verdict rests on."""
    base = seen.evaluations[0]
    chosen = next(item for item in seen.evaluations if item.step == seen.delivered)
    at = next(item for item in curve if item.step == seen.delivered)
    out: dict[str, float] = {
        "delivered_step": seen.delivered,
        "last_step": curve[-1].step,
        "taught": at.taught,
    }
    if at.held_out is not None:
        out |= {
            "held_out": at.held_out,
            "held_out_loss": mean(chosen.held_out),
            "held_out_loss_base": mean(base.held_out),
            "memorisation_gap": at.held_out - at.taught,
            "memorisation_gap_low_noise": _gap(base, chosen, slice(None, len(base.held_out) // 2)),
            "memorisation_gap_high_noise": _gap(base, chosen, slice(len(base.held_out) // 2, None)),
        }
    if seen.swapped is not None:
        before, after = (pair.swapped / pair.own for pair in seen.swapped)
        out |= {"swapped_caption_base": before, "swapped_caption": after}
    kept = _class_loss(seen)
    if kept is not None:
        out["class"] = kept
    if seen.drift is not None:
        out["drift"] = seen.drift
    if seen.looks is not None:
        out |= {"diversity_share": seen.looks.share, "copies": len(seen.looks.copies)}
    return out


def _gap(base: Evaluation, at: Evaluation, levels: slice) -> float:
    """Held-out minus taught, each relative to the base, over some noise levels: texture learned shows at
    low noise, composition learned by heart at high noise.
    """
    held = mean(at.held_out[levels]) / mean(base.held_out[levels])
    return held - mean(at.train_probe[levels]) / mean(base.train_probe[levels])


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"
