"""Stable Diffusion XL, held to the contract; and what is particular to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from tests.families.conformance import Conformance, Specimen
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.domain.style import Targets
from duktus.families.registry import family

SDXL = family("sdxl")


class TestSdxl(Conformance):
    family = "sdxl"
    specimens: ClassVar = {
        "base": Specimen(write_tiny_sdxl, targets=(*Specimen.targets, Targets.STYLE_BLOCKS))
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_sdxl(tmp_path_factory.mktemp("sdxl") / "base")


@pytest.fixture(scope="module")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_sdxl(tmp_path_factory.mktemp("sdxl") / "refiner", refiner=True)


def edited(folder: Path, to: Path, name: str, **changes: object) -> Path:
    """A copy of a base with other values in one configuration."""
    shutil.copytree(folder, to)
    path = to / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return to


def test_the_refiner_is_recognised_renders_and_is_not_for_teaching(refiner: Path) -> None:
    base = SDXL.describe(refiner, "refiner")
    assert base.role is Role.RENDER_ONLY
    assert "refiner" in SDXL.role_words(base.role)
    loaded = SDXL.load(base)
    noisy = torch.randn(2, *loaded.latent_shape(64, 64))
    with torch.no_grad():
        answer = loaded.predict(noisy, torch.tensor([500]), loaded.encode_text(["a woman", "a man"]))
    assert answer.shape == noisy.shape
    with pytest.raises(InputError, match=r"cannot be taught on.*refiner"):
        SDXL.describe(refiner, "refiner", role=Role.TEACH_AND_RENDER)


def test_the_size_of_the_picture_is_told_to_the_network(plain: Path) -> None:
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    text = loaded.encode_text(["a woman"])
    told: list[torch.Tensor] = []
    unet = loaded.denoiser
    unet.add_embedding.register_forward_pre_hook(lambda _, inputs: told.append(inputs[0]))
    with torch.no_grad():
        for width, height in ((64, 64), (128, 64)):
            loaded.predict(torch.zeros(1, *loaded.latent_shape(width, height)), torch.tensor([500]), text)
        wanted = unet.add_time_proj(torch.tensor([64.0, 128, 0, 0, 64, 128])).flatten()
    assert torch.equal(told[1][0, -wanted.numel() :], wanted)
    assert not torch.equal(told[0], told[1])


def test_every_linear_of_sdxl_is_counted_as_other_programs_count_it(plain: Path) -> None:
    """Eight attention matrices and two of the feed-forward in each transformer block: 700 in full size."""
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    blocks = [name for name, _ in loaded.denoiser.named_modules() if name.endswith(".attn2")]
    assert len(loaded.target_modules(Targets.ATTENTION_FEED_FORWARD)) == 10 * len(blocks)


def test_the_style_blocks_are_the_attention_of_one_transformer(plain: Path) -> None:
    """Those of B-LoRA (arXiv 2403.14572); here two blocks of it, ten in full size."""
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    block = "up_blocks.0.attentions.1.transformer_blocks"
    matrices = ("to_q", "to_k", "to_v", "to_out.0")
    assert list(loaded.target_modules(Targets.STYLE_BLOCKS)) == [
        f"{block}.{number}.{attention}.{matrix}"
        for number in (0, 1)
        for attention in ("attn1", "attn2")
        for matrix in matrices
    ]


@pytest.mark.parametrize(
    ("noise", "role"),
    [
        ({}, Role.TEACH_AND_RENDER),
        ({"_class_name": "LCMScheduler"}, Role.RENDER_ONLY),
        (
            {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"},
            Role.RENDER_ONLY,
        ),
    ],
)
def test_the_role_follows_from_scheduler_facts(
    plain: Path, tmp_path: Path, noise: dict[str, object], role: Role
) -> None:
    folder = edited(plain, tmp_path / "b", "scheduler/scheduler_config.json", **noise)
    assert SDXL.describe(folder, "m").role is role


def test_where_the_files_do_not_tell_the_role_is_asked_for(plain: Path, tmp_path: Path) -> None:
    folder = edited(plain, tmp_path / "b", "scheduler/scheduler_config.json", timestep_spacing="trailing")
    with pytest.raises(InputError, match=r"cannot be told from its files.*--role"):
        SDXL.describe(folder, "m")
    assert SDXL.describe(folder, "m", role=Role.TEACH_AND_RENDER).role is Role.TEACH_AND_RENDER
    assert SDXL.describe(folder, "m", role=Role.RENDER_ONLY).role is Role.RENDER_ONLY


def test_another_autoencoder_is_refused(plain: Path, tmp_path: Path) -> None:
    folder = edited(plain, tmp_path / "a", "vae/config.json", scaling_factor=0.18215)
    with pytest.raises(InputError, match=r"that of Stable Diffusion 1\.x"):
        SDXL.describe(folder, "m")
    folder = edited(plain, tmp_path / "b", "vae/config.json", latent_channels=16)
    with pytest.raises(InputError, match="takes 4 channels, the VAE makes 16"):
        SDXL.describe(folder, "m")


def test_missing_and_foreign_text_encoders_are_named(plain: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(plain, tmp_path / "a"))
    shutil.rmtree(folder / "text_encoder")
    with pytest.raises(InputError, match=r"text encoder text_encoder/config\.json is missing"):
        SDXL.describe(folder, "m")
    folder = edited(plain, tmp_path / "b", "text_encoder/config.json", hidden_size=64)
    with pytest.raises(InputError, match="give 112 numbers a token, the U-Net takes 80"):
        SDXL.describe(folder, "m")


def test_words_with_brackets_weigh_and_plain_ones_keep_their_bits(plain: Path) -> None:
    loaded = SDXL.load(SDXL.describe(plain, "m"))
    texts = ["a woman", "a (woman:1.4)"]
    weighed = loaded.encode_weighted(texts)
    assert torch.equal(loaded.encode_text(texts[:1]).hidden, weighed.hidden[:1])
    assert not torch.allclose(weighed.hidden[0], weighed.hidden[1], atol=1e-3)
