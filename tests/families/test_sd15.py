"""Stable Diffusion 1.x: the miniature that ships, and as Stable Diffusion 1.5 is built."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import ClassVar

from tests.families.conformance import Conformance, Specimen
from tests.support.tiny_base import write_tiny_base

from duktus.miniature import weights_folder


def the_miniature(folder: Path) -> Path:
    """The base that ships, as it is: trained, and it answers with velocities."""
    return Path(shutil.copytree(weights_folder(), folder))


class TestSd15(Conformance):
    family = "sd15"
    specimens: ClassVar = {
        "miniature": Specimen(the_miniature),
        "epsilon": Specimen(
            partial(
                write_tiny_base, channels=(32, 48), sample_size=8, prediction="epsilon", latent_channels=4
            )
        ),
    }
