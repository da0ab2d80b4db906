from __future__ import annotations

import json
from pathlib import Path

import pytest

from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler
from duktus.domain.style import Targets
from duktus.families.registry import family

SD15 = family("sd15")


def weights(folder: Path) -> str:
    return SD15.describe(folder, "m").weights


def edit_json(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes, indent=7))


def test_duktus_json_gives_role_and_defaults(tiny):
    assert tiny.role is Role.TEACH_AND_RENDER
    assert (tiny.render.width, tiny.render.steps, tiny.render.sampler) == (128, 20, Sampler.DPMPP_2M)
    teach = SD15.teach_defaults(tiny)
    assert (teach.steps, teach.learning_rate, teach.targets) == (
        120,
        1e-3,
        Targets.ATTENTION_FEED_FORWARD_CONV,
    )


def test_without_it_the_family_has_defaults_at_the_size_of_the_unet(copied):
    (copied / "duktus.json").unlink()
    base = SD15.describe(copied, "m")
    assert (base.render.width, base.render.height, base.render.cfg) == (128, 128, 7.0)
    assert SD15.teach_defaults(base).learning_rate == 1e-4
    assert "diffusers" in SD15.teach_defaults(base).source


def test_duktus_json_with_a_mistake_says_where(copied):
    edit_json(copied / "duktus.json", teach={"steps": "many"})
    with pytest.raises(InputError, match=r"duktus\.json.*teach\.steps"):
        SD15.describe(copied, "m")


def test_what_decides_the_pictures_decides_the_hash(tiny, copied):
    assert weights(copied) == tiny.weights
    file = copied / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    changed = weights(copied)
    edit_json(copied / "scheduler" / "scheduler_config.json", prediction_type="epsilon")
    assert len({tiny.weights, changed, weights(copied)}) == 3


def test_notes_and_defaults_do_not(tiny, copied):
    edit_json(copied / "unet" / "config.json", _diffusers_version="9.9", _name_or_path="/somewhere")
    edit_json(copied / "text_encoder" / "config.json", transformers_version="9.9", dtype="float16")
    edit_json(copied / "duktus.json", name="another")
    (copied / "README.md").write_text("a card")
    assert weights(copied) == tiny.weights


@pytest.mark.parametrize(
    "name",
    [
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "scheduler/scheduler_config.json",
        "text_encoder/model.safetensors",
    ],
)
def test_a_missing_file_is_named(copied, name):
    (copied / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        SD15.describe(copied, "m")


def test_a_tokenizer_in_either_spelling_will_do_but_one_there_must_be(copied):
    (copied / "tokenizer" / "vocab.json").unlink()
    (copied / "tokenizer" / "merges.txt").unlink()
    SD15.describe(copied, "m")
    (copied / "tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="tokenizer"):
        SD15.describe(copied, "m")


def test_a_truncated_file_is_named(copied):
    file = copied / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"diffusion_pytorch_model\.safetensors is damaged"):
        SD15.describe(copied, "m")


def test_a_pickle_is_refused_with_the_reason(copied):
    file = copied / "unet" / "diffusion_pytorch_model.safetensors"
    file.rename(file.with_suffix(".bin"))
    with pytest.raises(InputError, match=r"\.bin but no safetensors.*pickle"):
        SD15.describe(copied, "m")


def test_half_precision_files_are_found_by_their_name(tiny, copied):
    for network in ("unet", "vae"):
        file = copied / network / "diffusion_pytorch_model.safetensors"
        file.rename(file.with_name("diffusion_pytorch_model.fp16.safetensors"))
    base = SD15.describe(copied, "m")
    assert SD15.load(base).latent_shape(128, 64) == (16, 8, 16)


def test_the_role_comes_in_words():
    for role in Role:
        assert SD15.role_words(role).endswith((".", "!"))
