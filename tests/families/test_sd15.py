"""Stable Diffusion 1.x: as the miniature is built, and as Stable Diffusion 1.5 is."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from tests.families.conformance import Conformance, Specimen
from tests.support.tiny_base import MINIATURE_DEFAULTS, write_tiny_base


class TestSd15(Conformance):
    family = "sd15"
    specimens: ClassVar = {
        "velocity": Specimen(
            partial(write_tiny_base, channels=(32, 48), sample_size=8, duktus=MINIATURE_DEFAULTS)
        ),
        "epsilon": Specimen(
            partial(
                write_tiny_base, channels=(32, 48), sample_size=8, prediction="epsilon", latent_channels=4
            )
        ),
    }
