"""Z-Image: the base can be taught, Turbo only renders, and De-Turbo has to be named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from diffusers import ZImagePipeline
from tests.families.conformance import ROUNDING, START, Conformance, Specimen
from tests.support.recipes import styled
from tests.support.tiny_flow import write_tiny_zimage

from duktus.domain.base import Base, Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Lane, Numerics, Recipe
from duktus.domain.style import Targets
from duktus.families.registry import family_of
from duktus.rendering.renderer import Renderer
from duktus.training.preflight import check_role

TARGETS = (Targets.ATTENTION, Targets.ATTENTION_FEED_FORWARD)


class TestZImage(Conformance):
    family = "zimage"
    specimens: ClassVar = {"base": Specimen(write_tiny_zimage, targets=TARGETS)}

    def pipeline(self, folder: Path) -> Any:
        pipe = ZImagePipeline.from_pretrained(folder, local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def asked_of(self, recipe: Recipe) -> dict[str, Any]:
        return super().asked_of(recipe) | {"guidance_scale": recipe.cfg - 1}  # its pipelines count from 0

    def test_texts_of_unlike_length_share_a_batch_in_the_draft_lane(
        self, base: Base, specimen: Specimen, random_style: tuple[str, Path]
    ) -> None:
        """Texts are not padded to one length, so a batch is taken apart; each picture keeps its strength."""
        digest, path = random_style
        texts = ("a woman", "a woman with long curly red hair and glasses, watercolour, blue background")
        asked = [
            self.recipe(base, specimen, prompt=text, adapters=styled(digest, strength))
            for text, strength in zip(texts * 2, (0.3, 0.9, 0.9, 0.0), strict=True)
        ]
        draft = Numerics(lane=Lane.DRAFT)
        drafted = [one.model_copy(update={"numerics": draft}) for one in asked]
        renderer = Renderer(base, {digest: path}, batch=4)
        alone = [next(iter(renderer.render([one]))).pixels.astype(float) for one in drafted]
        for one in renderer.render(drafted):
            assert np.abs(one.pixels - alone[one.index]).mean() <= ROUNDING
        assert np.abs(alone[0] - alone[2]).mean() > ROUNDING, "the strengths can be told apart"


def test_turbo_draws_as_diffusers_does_and_nothing_is_taught_on_it(tmp_path: Path) -> None:
    folder = write_tiny_zimage(tmp_path / "turbo", shift=3.0)
    suite, specimen = TestZImage(), Specimen(write_tiny_zimage, cfg=1.0)
    base = family_of(folder).describe(folder, "turbo")
    assert base.role is Role.RENDER_ONLY
    one = suite.recipe(base, specimen)
    (ours,) = Renderer(base, {}).render([one])
    start = torch.randn((1, 16, 8, 8), generator=torch.Generator().manual_seed(START))
    assert np.abs(suite.drawn_by(suite.pipeline(folder), one, start) - ours.pixels).mean() <= ROUNDING
    with pytest.raises(InputError, match=r"teach on Z-Image \(the base\) or De-Turbo"):
        check_role(base)
