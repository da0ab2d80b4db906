"""The miniature taught the demo's hand from nine portraits: what the defaults must reach.

One default run and one over-trained run, on the real weights; everything is measured on the files they left.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.support.fresh_portraits import TRIGGER, write_fresh_portraits

import duktus
from duktus.domain.style import Outcome, Style
from duktus.families.samplers import quiet_numpy
from duktus.miniature import portraits_folder, world
from duktus.notebook import Workspace
from duktus.training import read_training_set
from duktus.training.looks import diversity
from duktus.training.measure import held_out_losses

pytestmark = pytest.mark.slow

TEMPLATE = "{trigger}, {caption}"
PROMPT = f"{TRIGGER}, a smiling woman"
SEEDS = tuple(range(1, 9))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return duktus.open(tmp_path_factory.mktemp("hand"))


@pytest.fixture(scope="module")
def style(workspace: Workspace) -> Style:
    return workspace.teach(portraits_folder(), name="hand", trigger=TRIGGER, template=TEMPLATE)


def _pixels(paths: list[Path]) -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def _rendered(workspace: Workspace, style: Style, strength: float) -> list[np.ndarray]:
    return _pixels(workspace.sweep(PROMPT, style=style, strength=strength, seed=SEEDS).paths())


def test_the_held_out_loss_halves_on_portraits_drawn_anew(
    workspace: Workspace, style: Style, tmp_path: Path
) -> None:
    write_fresh_portraits(tmp_path, 24, style.settings.resolution)
    pictures = read_training_set(tmp_path, trigger=TRIGGER, resolution=style.settings.resolution)
    file = workspace.export(style, tmp_path / "style.safetensors")
    base, taught = held_out_losses(workspace._inner.base(), file, pictures, style.settings)
    assert taught / base <= 0.5


def test_the_default_run_is_good_and_says_why(style: Style) -> None:
    assert style.verdict.outcome is Outcome.GOOD, style.verdict
    assert style.verdict.measures["held_out"] < 0.65
    assert style.verdict.reasons
    assert style.verdict.next_step


def test_the_hand_is_there_at_full_strength_and_absent_at_none(workspace: Workspace, style: Style) -> None:
    def drawn_in_it(strength: float) -> float:
        asked = world.sample_portrait(np.random.default_rng(0), (world.Medium.CONTOUR_WASH,))
        return float(np.mean([world.check(p, asked).medium for p in _rendered(workspace, style, strength)]))

    assert drawn_in_it(1.0) >= 0.75
    assert drawn_in_it(0.0) == 0


def test_the_default_run_does_not_memorise(workspace: Workspace, style: Style) -> None:
    originals = _pixels(sorted(portraits_folder().glob("*.png")))
    assert diversity(_rendered(workspace, style, 1.0)) >= 0.6 * diversity(originals)


def test_a_run_that_goes_on_far_too_long_is_told_that_it_memorised(workspace: Workspace) -> None:
    style = workspace.teach(
        portraits_folder(),
        name="too-long",
        trigger=TRIGGER,
        template=TEMPLATE,
        steps=300,
        learning_rate=3e-3,
        caption_dropout=0.0,
        keep="last",
        patience=None,
        evaluate_every=50,
    )
    assert style.verdict.outcome is Outcome.MEMORISED, style.verdict
    assert style.verdict.best_step < 300
    assert "keep best" in style.verdict.next_step


def test_diffusers_draws_the_taught_hand_as_we_do(workspace: Workspace, style: Style, tmp_path: Path) -> None:
    """Acceptance: the stock pipeline with our file, same latents, sampler and strength: <= 1/255 apart."""
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    (asset,) = workspace.render(PROMPT, style=f"{style.name}:1.0", seed=1)
    recipe = asset.recipe
    pipe = StableDiffusionPipeline.from_pretrained(workspace._inner.base().folder, dtype=torch.float32)
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(
        pipe.scheduler.config, use_karras_sigmas=recipe.schedule == "Karras"
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.load_lora_weights(workspace.export(style, tmp_path / "style.safetensors"))
    channels, side = pipe.unet.config.in_channels, recipe.width // 8
    latents = torch.randn((1, channels, side, side), generator=torch.Generator().manual_seed(recipe.seed))
    with quiet_numpy():
        theirs = pipe(
            recipe.prompt,
            negative_prompt=recipe.negative_prompt,
            num_inference_steps=recipe.steps,
            guidance_scale=recipe.cfg,
            height=recipe.height,
            width=recipe.width,
            latents=latents,
            output_type="np",
        ).images[0]
    ours = _pixels([workspace.path(asset)])[0] / 255
    assert np.abs(theirs - ours).mean() <= 1 / 255
