"""FLUX.1: dev is guidance-distilled and can be taught, schnell is distilled to few steps and only renders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from diffusers import FluxPipeline
from tests.families.conformance import ROUNDING, START, Conformance, Specimen
from tests.support.tiny_flow import SCHNELL, write_tiny_flux

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Recipe
from duktus.domain.style import Targets
from duktus.families.family import LoadedBase
from duktus.families.registry import family_of
from duktus.rendering.renderer import Renderer
from duktus.training.preflight import check_role

TARGETS = (Targets.ATTENTION, Targets.ATTENTION_FEED_FORWARD)


class TestFlux(Conformance):
    family = "flux"
    specimens: ClassVar = {
        "dev": Specimen(write_tiny_flux, cfg=1.0, targets=TARGETS),
        "undistilled": Specimen(partial(write_tiny_flux, guidance=False), cfg=3.0, targets=TARGETS),
    }

    def pipeline(self, folder: Path) -> Any:
        pipe = FluxPipeline.from_pretrained(folder, local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def drawn_by(self, pipe: Any, recipe: Recipe, start: torch.Tensor) -> np.ndarray:
        _, channels, height, width = start.shape
        return super().drawn_by(pipe, recipe, pipe._pack_latents(start, 1, channels, height, width))

    def asked_of(self, recipe: Recipe) -> dict[str, Any]:
        return {
            "prompt": recipe.prompt,
            "negative_prompt": recipe.negative_prompt if recipe.cfg > 1 else None,
            "num_inference_steps": recipe.steps,
            "true_cfg_scale": recipe.cfg,
            "guidance_scale": 1.0 if recipe.guidance is None else recipe.guidance,
            "max_sequence_length": 24,
        }

    def test_guidance_is_an_input_of_dev_as_in_diffusers(
        self, folder: Path, base: Base, loaded: LoadedBase, specimen: Specimen
    ) -> None:
        asked = [self.recipe(base, specimen, guidance=value) for value in (1.0, 6.0)]
        if base.render.guidance is None:
            with pytest.raises(InputError, match="takes no guidance"):
                Renderer(base, {}).render(asked)
            return
        shape = (1, *loaded.latent_shape(specimen.size, specimen.size))
        start = torch.randn(shape, generator=torch.Generator().manual_seed(START))
        ours = {one.index: one.pixels for one in Renderer(base, {}, batch=2).render(asked)}
        pipe = self.pipeline(folder)
        for place, one in enumerate(asked):
            distance = np.abs(self.drawn_by(pipe, one, start.clone()) - ours[place]).mean()
            assert distance <= ROUNDING, one.guidance
        assert np.abs(ours[0].astype(float) - ours[1]).mean() > 2 * ROUNDING
        (plain,) = Renderer(base, {}).render([self.recipe(base, specimen)])
        assert np.array_equal(plain.pixels, ours[0]), "without a word, dev is told 1, as while teaching"


def test_schnell_draws_as_diffusers_does_and_nothing_is_taught_on_it(tmp_path: Path) -> None:
    folder = write_tiny_flux(tmp_path / "schnell", guidance=False, noise=SCHNELL)
    suite, specimen = TestFlux(), Specimen(write_tiny_flux, cfg=1.0)
    base = family_of(folder).describe(folder, "schnell")
    assert base.role is Role.RENDER_ONLY
    one = suite.recipe(base, specimen)
    (ours,) = Renderer(base, {}).render([one])
    start = torch.randn((1, 16, 8, 8), generator=torch.Generator().manual_seed(START))
    assert np.abs(suite.drawn_by(suite.pipeline(folder), one, start) - ours.pixels).mean() <= ROUNDING
    with pytest.raises(InputError, match=r"teach on FLUX\.1 \[dev\]"):
        check_role(base)
