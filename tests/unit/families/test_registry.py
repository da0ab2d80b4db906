from __future__ import annotations

import subprocess
import sys

import pytest

from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.families.registry import FAMILIES, family, family_of, referring, steerable


def test_a_folder_is_recognised_by_its_configs(tiny_folder):
    assert family_of(tiny_folder) is FAMILIES["sd15"]
    assert family("sd15") is FAMILIES["sd15"]


def test_an_unknown_folder_or_name_says_what_is_known(tmp_path):
    with pytest.raises(InputError, match=r"No family of duktus recognises.*sd15"):
        family_of(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        family_of(tmp_path / "absent")
    with pytest.raises(NotFoundError, match="sd15"):
        family("sd16")


def test_another_pipeline_is_not_taken_for_this_family(copied):
    index = copied / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusionPipeline", "StableDiffusionXLPipeline"))
    with pytest.raises(InputError, match="No family"):
        family_of(copied)


@pytest.mark.parametrize("name", ["flux", "zimage", "flux2"])
def test_families_that_take_no_networks_beside_them_say_so(name):
    for door, words in ((steerable, "take no control pictures"), (referring, "take no reference pictures")):
        with pytest.raises(MismatchError, match=f"{name} {words}.*Stable Diffusion 1.x or SDXL"):
            door(name)


def test_recognising_and_hashing_loads_no_torch(tiny_folder):
    code = (
        "import sys; from pathlib import Path; from duktus.families.registry import family_of;"
        f"folder = Path({str(tiny_folder)!r}); family_of(folder).describe(folder, 'm');"
        "import duktus.families.schedules;"
        "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
