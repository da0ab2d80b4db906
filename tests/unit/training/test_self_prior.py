"""The base held to its own answers where the trigger word is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.support.portfolio import TRIGGER

from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import TeachSettings
from duktus.families import lora, registry
from duktus.training import Paused, Taught, TrainingSet
from duktus.training.cache import build_cache
from duktus.training.captions import neutral_caption, without_trigger
from duktus.training.loop import Trainer
from duktus.training.preflight import preflight
from duktus.training.teach import teach

Make = Callable[..., TeachSettings]


def finished(result: Taught | Paused) -> Taught:
    assert isinstance(result, Taught)
    return result


@pytest.mark.parametrize(
    ("caption", "bare"),
    [
        (f"{TRIGGER}, a woman with red hair", "a woman with red hair"),
        (f"a woman, {TRIGGER.upper()}, red hair", "a woman, red hair"),
        (f"a woman, {TRIGGER}", "a woman"),
        (f"a {TRIGGER} woman", "a woman"),
        (TRIGGER, ""),
        (f"a pre{TRIGGER} woman", f"a pre{TRIGGER} woman"),
    ],
)
def test_the_trigger_goes_with_what_hangs_on_it(caption: str, bare: str) -> None:
    assert without_trigger(caption, TRIGGER) == bare


def test_the_answers_without_the_trigger_move_less(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    """Measured on the finished files: how far the style's answer to a neutral caption is from the base's."""
    family = registry.family("sd15")
    loaded = family.load(tiny_base)
    text = loaded.encode_text([without_trigger(pictures.pictures[0].caption, TRIGGER)])
    noisy = torch.randn((1, *loaded.latent_shape(64, 64)), generator=torch.Generator().manual_seed(1))
    time = loaded.probe_timesteps(3)[1:2]

    def moved(taught: Taught) -> float:
        with torch.no_grad():
            before = loaded.predict(noisy, time, text)
            style = lora.mount(loaded.denoiser, family.read_style(taught.file, loaded))
            after = loaded.predict(noisy, time, text)
            style.eject()
        return (after - before).square().mean().item()

    plain = settings(steps=16, keep="last", min_snr_gamma=None)
    free = finished(teach(tiny_base, pictures, plain, tmp_path / "free"))
    held = plain.model_copy(update={"self_prior": 1.0})
    bound = finished(teach(tiny_base, pictures, held, tmp_path / "bound"))
    tight = plain.model_copy(update={"self_prior": 10.0})
    bound_more = finished(teach(tiny_base, pictures, tight, tmp_path / "more"))
    assert moved(bound_more) < moved(bound) < moved(free)
    assert bound_more.verdict.measures["drift"] < bound.verdict.measures["drift"]
    assert any("Without the trigger word" in reason for reason in bound.verdict.reasons)
    assert "drift" not in free.verdict.measures


def test_its_target_is_the_base_alone_and_the_first_step_is_as_without(
    tiny_base: Base, pictures: TrainingSet, settings: Make
) -> None:
    """Where the style and the base still answer alike there is nothing to hold."""
    loaded = registry.family("sd15").load(tiny_base)
    held = settings(self_prior=2.0)
    trainer = Trainer(loaded, build_cache(loaded, pictures, None, held), held)
    own, kept = trainer._losses()
    assert own.item() > 0
    assert kept.item() == 0
    for _ in range(3):
        trainer.advance()
    own, kept = trainer._losses()
    assert kept.item() > 0


def test_a_stopped_run_with_a_self_prior_goes_on_bit_for_bit(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    held = settings(self_prior=1.0, neutral="", crops=2)
    whole = finished(teach(tiny_base, pictures, held, tmp_path / "whole"))
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 4

    assert isinstance(teach(tiny_base, pictures, held, tmp_path / "parts", should_stop=stop), Paused)
    resumed = finished(teach(tiny_base, pictures, held, tmp_path / "parts", resume=True))
    assert resumed.file.read_bytes() == whole.file.read_bytes()
    assert resumed.verdict == whole.verdict


def test_the_preflight_says_what_is_held(
    tiny_base: Base, pictures: TrainingSet, settings: Make, tmp_path: Path
) -> None:
    plan = preflight(tiny_base, pictures, settings(self_prior=0.5), tmp_path, device="cpu")
    assert any("without the trigger word, weight 0.5" in words for words in plan.words)


def test_a_neutral_caption_is_the_one_named_and_never_calls_the_style(settings: Make) -> None:
    caption = f"{TRIGGER}, a woman"
    assert neutral_caption(caption, settings(self_prior=1.0)) == "a woman"
    assert neutral_caption(caption, settings(self_prior=1.0, neutral="a portrait")) == "a portrait"
    assert neutral_caption(caption, settings(self_prior=1.0, neutral="")) == ""
    with pytest.raises(InputError, match="names the trigger word"):
        neutral_caption(caption, settings(self_prior=1.0, neutral=f"a {TRIGGER}"))
