"""How well a finished style knows its hand: its loss on pictures that had no part in the run at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from duktus.domain.style import Method
from duktus.families import lora, registry
from duktus.families.family import LearnsWords, TeachesWords
from duktus.training.cache import build_cache
from duktus.training.evaluation import build_probes, mean

if TYPE_CHECKING:
    from duktus.domain.base import Base
    from duktus.domain.style import TeachSettings
    from duktus.training.training_set import TrainingSet


def held_out_losses(
    base: Base,
    file: Path,
    pictures: TrainingSet,
    settings: TeachSettings,
    *,
    device: str = "cpu",
    dtype: str = "float32",
) -> tuple[float, float]:
    """(loss of the base, loss with the style at strength 1) on ``pictures``, with the same fixed noises and
    noise levels as the held-out loss of a run. A word is measured against the base reading it as it stands.
    """
    family = registry.family(base.family)
    loaded = family.load(base, device=device, dtype=dtype)
    plain = settings.model_copy(update={"crops": 1, "flip": False})
    probe = build_probes(loaded, build_cache(loaded, pictures, pictures, plain), plain).held_out
    assert probe is not None  # pictures were given
    before = mean(probe.losses(loaded))
    if settings.method is Method.TEXTUAL_INVERSION:
        assert isinstance(family, TeachesWords)
        assert isinstance(loaded, LearnsWords)
        loaded.learned_words.teach(settings.trigger, family.read_word(file, loaded))
        return before, mean(probe.losses(loaded))
    style = lora.mount(loaded.denoiser, family.read_style(file, loaded))
    try:
        return before, mean(probe.losses(loaded))
    finally:
        style.eject()
