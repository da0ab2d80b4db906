"""Every optimiser teaches, and goes on bit for bit after a stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers.optimization import Adafactor

from duktus.actions.teaching.lesson import Lesson, _settings
from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import Optimiser, TeachSettings
from duktus.training import Paused, Taught, TrainingSet
from duktus.training.optimisers import Stepper
from duktus.training.teach import teach

Make = Callable[..., TeachSettings]
CPU = torch.device("cpu")
RATES = {Optimiser.ADAMW: 1e-3, Optimiser.ADAFACTOR: 1e-3, Optimiser.PRODIGY: 1.0}


class Stop:
    """Asks to stop before a given step."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def small(settings: Make, optimiser: Optimiser) -> tuple[Stepper, torch.nn.Parameter]:
    parameter = torch.nn.Parameter(torch.linspace(-0.2, 0.3, 12).view(3, 4))
    chosen = settings(optimiser=optimiser, learning_rate=RATES[optimiser])
    return Stepper({"a.down": parameter}, chosen, CPU), parameter


def move(stepper: Stepper, parameter: torch.nn.Parameter, step: int) -> None:
    parameter.grad = torch.sin(torch.arange(12.0) + step).view(3, 4)
    stepper.step()


@pytest.mark.parametrize("optimiser", Optimiser)
def test_a_run_lowers_the_held_out_loss_and_goes_on_bit_for_bit(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path, optimiser: Optimiser
) -> None:
    rate = RATES[optimiser]
    chosen = settings(optimiser=optimiser, learning_rate=rate, steps=6, evaluate_every=3, held_out=1)
    whole = teach(tiny_base, pictures, chosen, tmp_path / "whole")
    assert isinstance(whole, Taught)
    first, *_, last = (point.held_out_loss for point in whole.curve)
    assert first is not None
    assert last is not None
    assert last < first
    stopped = teach(tiny_base, pictures, chosen, tmp_path / "parts", should_stop=Stop(4))
    assert isinstance(stopped, Paused)
    resumed = teach(tiny_base, pictures, chosen, tmp_path / "parts", resume=True)
    assert isinstance(resumed, Taught)
    assert resumed.file.read_bytes() == whole.file.read_bytes()
    assert resumed.curve == whole.curve
    end = "checkpoints/step-000006.safetensors"
    a, b = load_file(tmp_path / "whole" / end), load_file(tmp_path / "parts" / end)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("optimiser", Optimiser)
def test_the_whole_state_travels_as_tensors(settings: Make, optimiser: Optimiser) -> None:
    one, moved = small(settings, optimiser)
    assert one.tensors() == {}
    for step in range(3):
        move(one, moved, step)
    other, loaded = small(settings, optimiser)
    loaded.data.copy_(moved.data)
    other.restore({"adapter/a.down": moved.data, **one.tensors()})
    assert one.tensors().keys() == other.tensors().keys()
    for step in range(3, 6):
        move(one, moved, step)
        move(other, loaded, step)
    assert torch.equal(moved, loaded)
    assert all(torch.equal(tensor, other.tensors()[name]) for name, tensor in one.tensors().items())


def test_a_run_that_was_stopped_before_its_first_step_can_go_on(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    stopped = teach(tiny_base, pictures, settings(steps=1), tmp_path, should_stop=Stop(0))
    assert isinstance(stopped, Paused)
    assert stopped.step == 0
    assert isinstance(teach(tiny_base, pictures, settings(steps=1), tmp_path, resume=True), Taught)


def test_names_in_checkpoints_of_earlier_versions_still_hold(settings: Make) -> None:
    stepper, parameter = small(settings, Optimiser.ADAMW)
    move(stepper, parameter, 0)
    assert set(stepper.tensors()) == {
        "optimizer/a.down/step",
        "optimizer/a.down/exp_avg",
        "optimizer/a.down/exp_avg_sq",
    }


def test_settings_recorded_before_there_was_a_choice_are_adamw(settings: Make) -> None:
    recorded = settings().model_dump(mode="json")
    del recorded["optimiser"]
    assert TeachSettings.model_validate(recorded) == settings()
    assert settings().optimiser is Optimiser.ADAMW
    assert settings(optimiser="Prodigy").optimiser is Optimiser.PRODIGY


def test_adafactor_takes_the_learning_rate_as_it_is(settings: Make) -> None:
    """As the Adafactor of transformers does with ``scale_parameter=False, relative_step=False``."""
    ours, mine = small(settings, Optimiser.ADAFACTOR)
    theirs = torch.nn.Parameter(mine.detach().clone())
    reference = Adafactor(
        [theirs],
        lr=1e-3,
        scale_parameter=False,
        relative_step=False,
        warmup_init=False,
        weight_decay=settings().weight_decay,
    )
    for step in range(4):
        move(ours, mine, step)
        theirs.grad = mine.grad
        reference.step()
        assert torch.allclose(mine, theirs, rtol=0, atol=1e-6)


def test_adafactor_moves_what_begins_at_zero_and_leaves_what_has_no_slope(settings: Make) -> None:
    parameter = torch.nn.Parameter(torch.zeros(3, 4))
    stepper = Stepper({"a.up": parameter}, settings(optimiser="adafactor", weight_decay=0), CPU)
    parameter.grad = torch.zeros(3, 4)
    stepper.step()
    assert torch.equal(parameter, torch.zeros(3, 4))
    parameter.grad = torch.full((3, 4), 1e-7)
    stepper.step()
    assert parameter.abs().mean().item() == pytest.approx(1e-3, rel=0.1)


def test_prodigy_says_nothing_and_takes_the_weight_decay(
    settings: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word on stdout would spoil ``--json``."""
    finals = []
    for decay in (0.0, 0.5):
        parameter = torch.nn.Parameter(torch.ones(3, 4))
        chosen = settings(optimiser="prodigy", learning_rate=1, weight_decay=decay)
        stepper = Stepper({"a.down": parameter}, chosen, CPU)
        for step in range(20):
            move(stepper, parameter, step)
        finals.append(parameter.detach().clone())
    assert not torch.equal(*finals)
    assert capsys.readouterr().out == ""


def test_the_learning_rate_follows_the_optimiser_unless_it_is_given(tiny_base: Base) -> None:
    def chosen(**changes: object) -> TeachSettings:
        return _settings(tiny_base, Lesson(Path(), "n", "t", changes=tuple(changes.items())))

    base_rate = chosen().learning_rate
    assert base_rate < 0.1
    assert chosen(optimiser="adafactor").learning_rate == base_rate
    assert chosen(optimiser="Prodigy").learning_rate == 1
    assert chosen(optimiser="prodigy", learning_rate=0.5).learning_rate == 0.5
    with pytest.raises(InputError, match="optimiser 'adan' cannot be used") as caught:
        chosen(optimiser="adan")
    assert "'adamw', 'adafactor' or 'prodigy'" in caught.value.why
