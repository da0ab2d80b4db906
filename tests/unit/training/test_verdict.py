"""The verdict's rule, on curves of every shape."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from duktus.domain.style import Outcome, Verdict
from duktus.training.evaluation import Evaluation, Swapped
from duktus.training.looks import Looks
from duktus.training.verdict import Seen, best_step, candidates, has_settled, judge

TRIAL = ([1, 0.60, 0.44, 0.51, 0.64, 0.77], [1, 0.58, 0.40, 0.30, 0.22, 0.15])
"""Held-out and training losses of a trial run, every 50 to 100 steps, relative to the base."""


def evaluations(held_out: Sequence[float], taught: Sequence[float]) -> list[Evaluation]:
    return [
        Evaluation(step=100 * n, held_out=(0.5 * h, 1.5 * h) if held_out else (), train_probe=(t, t))
        for n, (h, t) in enumerate(zip(held_out or taught, taught, strict=True))
    ]


def verdict(
    held_out: Sequence[float],
    taught: Sequence[float],
    delivered: int | None = None,
    *,
    swapped: tuple[Swapped, Swapped] | None = None,
    looks: Looks | None = None,
) -> Verdict:
    seen = evaluations(held_out, taught)
    step = seen[-1].step if delivered is None else delivered
    best = best_step(seen)
    return judge(
        Seen(
            evaluations=seen,
            delivered=step,
            keep="best" if step == best else "last",
            held_out_pictures=2 if held_out else 0,
            taught_pictures=7,
            swapped=swapped,
            looks=looks,
        )
    )


@pytest.mark.parametrize(
    ("outcome", "held_out", "taught"),
    [
        (Outcome.MEMORISED, *TRIAL),
        (Outcome.OVER_TRAINED, TRIAL[0][:4], TRIAL[1][:4]),
        (Outcome.GOOD, [1, 0.6, 0.45, 0.44, 0.45], [1, 0.6, 0.44, 0.42, 0.41]),
        (Outcome.UNDER_TRAINED, [1, 0.8, 0.6], [1, 0.8, 0.6]),
        (Outcome.UNDER_TRAINED, [1, 0.995, 0.99], [1, 0.99, 0.985]),
        (Outcome.MEMORISED, [1, 1.01, 1.1], [1, 0.7, 0.4]),
        (Outcome.DAMAGED, [1, 1.3, 1.6], [1, 1.2, 1.5]),
        (Outcome.DAMAGED, [1, 0.5, 0.9], [1, 0.5, 0.8]),
        (Outcome.GOOD, [], [1, 0.7, 0.4]),
        (Outcome.UNDER_TRAINED, [], [1, 0.999]),
        (Outcome.DAMAGED, [], [1, 1.2]),
    ],
)
def test_the_last_step_of_a_run(outcome: Outcome, held_out: list[float], taught: list[float]) -> None:
    assert verdict(held_out, taught).outcome is outcome


def test_the_delivered_best_step_is_good_and_the_memorised_end_is_told() -> None:
    said = verdict(*TRIAL, delivered=200)
    assert said.outcome is Outcome.GOOD
    assert said.best_step == 200
    assert "0.44 of the base's" in said.reasons[0]
    assert said.reasons[-1].startswith("Trained on to step 500 it memorised: 0.77 on unseen pictures, 0.15")


def test_memorised_names_the_numbers_and_the_way_back() -> None:
    said = verdict(*TRIAL)
    assert "given back 59%" in said.reasons[1]
    assert "from 0.40 to 0.15" in said.reasons[1]
    assert "step 200" in said.next_step
    assert said.measures["memorisation_gap"] == pytest.approx(0.62)


def test_a_seemingly_good_curve_is_overruled_by_near_copies_or_one_picture_for_all_seeds() -> None:
    good = ([1, 0.6, 0.44, 0.44], [1, 0.6, 0.44, 0.42])
    fine = Looks(samples=8, diversity=0.08, originals_diversity=0.1, base_diversity=0.1, copies=())
    assert verdict(*good, looks=fine).outcome is Outcome.GOOD
    assert "80% of the originals' mean distance" in " ".join(verdict(*good, looks=fine).reasons)
    copied = Looks(
        samples=8, diversity=0.08, originals_diversity=0.1, base_diversity=0.1, copies=((0, 3, 0.01),)
    )
    assert verdict(*good, looks=copied).outcome is Outcome.MEMORISED
    collapsed = Looks(samples=8, diversity=0.02, originals_diversity=0.1, base_diversity=0.1, copies=())
    assert verdict(*good, looks=collapsed).outcome is Outcome.MEMORISED
    base_too = Looks(samples=8, diversity=0.05, originals_diversity=0.1, base_diversity=0.05, copies=())
    assert verdict(*good, looks=base_too).outcome is Outcome.GOOD
    worse = Looks(samples=8, diversity=0.01, originals_diversity=0.1, base_diversity=0.05, copies=())
    assert verdict(*good, looks=worse).outcome is Outcome.MEMORISED


def test_swapped_captions_are_told_when_they_cost_much() -> None:
    swapped = (Swapped(own=1, swapped=1.1), Swapped(own=0.4, swapped=0.8))
    said = verdict([1, 0.5, 0.44, 0.44], [1, 0.5, 0.4, 0.4], swapped=swapped)
    assert any("100% more than under its own (the base: 10%)" in reason for reason in said.reasons)


def test_best_is_the_earliest_within_one_percent_of_the_lowest() -> None:
    seen = evaluations([1, 0.6, 0.443, 0.45, 0.44], [1, 0.6, 0.4, 0.4, 0.4])
    assert best_step(seen) == 200
    assert candidates(seen) == {200, 400}
    assert best_step(evaluations([], [1, 0.5])) is None


def test_patience_counts_evaluations_after_the_best() -> None:
    seen = evaluations(*TRIAL)
    assert [has_settled(seen[:n], 2) for n in range(1, 7)] == [False, False, False, False, True, True]
    assert not has_settled(seen, None)
    assert not has_settled(evaluations([], [1, 0.5, 0.4, 0.3]), 1)
