"""What the folders of FLUX.1 and Z-Image say of themselves, without loading them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from tests.support.recipes import recipe
from tests.support.tiny_flow import SCHNELL, write_tiny_flux, write_tiny_zimage

from duktus.domain.base import Role
from duktus.domain.errors import InputError
from duktus.domain.recipe import Sampler, Schedule
from duktus.domain.style import NoiseLevels, Targets
from duktus.families.registry import family, family_of
from duktus.training.preflight import check_role

FLUX, ZIMAGE = family("flux"), family("zimage")


@pytest.fixture(scope="module")
def flux_folder(tmp_path_factory) -> Path:
    return write_tiny_flux(tmp_path_factory.mktemp("flux"))


@pytest.fixture(scope="module")
def zimage_folder(tmp_path_factory) -> Path:
    return write_tiny_zimage(tmp_path_factory.mktemp("zimage"))


@pytest.fixture
def flux(flux_folder, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(flux_folder, tmp_path / "flux"))


@pytest.fixture
def zimage(zimage_folder, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(zimage_folder, tmp_path / "zimage"))


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def as_turbo(folder: Path, shift: float = 3.0) -> Path:
    edit(folder / "scheduler" / "scheduler_config.json", shift=shift)
    return folder


def as_schnell(folder: Path) -> Path:
    edit(folder / "transformer" / "config.json", guidance_embeds=False)
    edit(folder / "scheduler" / "scheduler_config.json", **SCHNELL)
    return folder


def test_turbo_and_base_differ_by_their_schedulers(zimage):
    base = ZIMAGE.describe(zimage, "z")
    turbo = ZIMAGE.describe(as_turbo(zimage), "z")
    assert (base.role, turbo.role) == (Role.TEACH_AND_RENDER, Role.RENDER_ONLY)
    assert (base.render.steps, base.render.cfg) == (50, 5.0)
    assert (turbo.render.steps, turbo.render.cfg) == (8, 1.0)
    assert base.weights != turbo.weights
    check_role(base)
    with pytest.raises(InputError, match=r"Nothing can be taught.*teach on Z-Image \(the base\) or De-Turbo"):
        check_role(turbo)


def test_de_turbo_has_turbos_scheduler_and_is_what_the_person_says(zimage):
    de_turbo = ZIMAGE.describe(as_turbo(zimage), "z", role=Role.TEACH_AND_RENDER)
    assert de_turbo.role is Role.TEACH_AND_RENDER
    assert (de_turbo.render.steps, de_turbo.render.cfg) == (25, 3.0)
    check_role(de_turbo)


def test_another_shift_is_asked_about_instead_of_guessed(zimage):
    with pytest.raises(InputError, match=r"shifts by 4.*--role"):
        ZIMAGE.describe(as_turbo(zimage, 4.0), "z")
    assert ZIMAGE.describe(zimage, "z", role=Role.RENDER_ONLY).role is Role.RENDER_ONLY


def test_dev_takes_guidance_and_schnell_only_renders(flux):
    dev = FLUX.describe(flux, "f")
    assert (dev.role, dev.render.steps, dev.render.cfg, dev.render.guidance) == (
        Role.TEACH_AND_RENDER, 28, 1.0, 3.5,
    )  # fmt: skip
    FLUX.check_recipe(dev, recipe(dev, sampler=Sampler.EULER, schedule=Schedule.NORMAL, guidance=2.0))
    schnell = FLUX.describe(as_schnell(flux), "f")
    assert (schnell.role, schnell.render.steps, schnell.render.guidance) == (Role.RENDER_ONLY, 4, None)
    with pytest.raises(InputError, match=r"teach on FLUX\.1 \[dev\]"):
        check_role(schnell)
    with pytest.raises(InputError, match="cannot be taught on"):
        FLUX.describe(flux, "f", role=Role.TEACH_AND_RENDER)
    with pytest.raises(InputError, match="takes no guidance"):
        FLUX.check_recipe(
            schnell, recipe(schnell, sampler=Sampler.EULER, schedule=Schedule.NORMAL, guidance=2.0)
        )


def test_without_guidance_but_with_devs_noise_it_is_not_distilled(flux):
    edit(flux / "transformer" / "config.json", guidance_embeds=False)
    base = FLUX.describe(flux, "f")
    assert (base.role, base.render.cfg, base.render.guidance) == (Role.TEACH_AND_RENDER, 3.5, None)


def test_starting_values_teach_velocities_and_name_their_sources(flux, zimage):
    for folder, source in ((flux, "sd-scripts"), (zimage, "musubi-tuner")):
        chosen = family_of(folder)
        teach = chosen.teach_defaults(chosen.describe(folder, "m"))
        assert (teach.min_snr_gamma, teach.noise_levels) == (None, NoiseLevels.SHIFTED)
        assert teach.targets is Targets.ATTENTION_FEED_FORWARD
        assert source in teach.source


def test_sizes_and_samplers_that_cannot_be_are_refused_at_once(zimage):
    base = ZIMAGE.describe(zimage, "z")
    fits = {"sampler": Sampler.EULER, "schedule": Schedule.KARRAS}
    ZIMAGE.check_recipe(base, recipe(base, **fits))
    with pytest.raises(InputError, match=r"64x72.*multiples of 16.*nearest size is 64x64"):
        ZIMAGE.check_recipe(base, recipe(base, **fits, height=72))
    with pytest.raises(InputError, match="DDIM does not exist for flow-matching"):
        ZIMAGE.check_recipe(base, recipe(base, sampler=Sampler.DDIM, schedule=Schedule.NORMAL))
    with pytest.raises(InputError, match="LCM has no Karras"):
        ZIMAGE.check_recipe(base, recipe(base, sampler=Sampler.LCM, schedule=Schedule.KARRAS))
    with pytest.raises(InputError, match="takes no guidance"):
        ZIMAGE.check_recipe(base, recipe(base, **fits, guidance=3.5))


def test_a_vae_or_text_encoder_of_another_base_is_named(flux, zimage):
    edit(flux / "vae" / "config.json", scaling_factor=1.5305)
    with pytest.raises(InputError, match=r"VAE.*Stable Diffusion 3"):
        FLUX.describe(flux, "f")
    edit(flux / "vae" / "config.json", scaling_factor=0.3611)
    edit(flux / "text_encoder_2" / "config.json", d_model=48)
    with pytest.raises(InputError, match=r"text_encoder_2/.*48 numbers"):
        FLUX.describe(flux, "f")
    edit(zimage / "vae" / "config.json", latent_channels=4)
    with pytest.raises(InputError, match=r"takes 16 channels.*makes 4"):
        ZIMAGE.describe(zimage, "z")
    edit(zimage / "vae" / "config.json", latent_channels=16)
    shutil.rmtree(zimage / "text_encoder")
    with pytest.raises(InputError, match=r"text_encoder/model.safetensors is missing"):
        ZIMAGE.describe(zimage, "z")


def test_the_frame_of_messages_decides_pictures(zimage):
    before = ZIMAGE.describe(zimage, "z").weights
    frame = zimage / "tokenizer" / "chat_template.jinja"
    frame.write_text("Draw this: " + frame.read_text())
    assert ZIMAGE.describe(zimage, "z").weights != before


def split(folder: Path, stem: str) -> None:
    """One weights file into two with an index, as large models come."""
    whole = folder / f"{stem}.safetensors"
    tensors = load_file(whole)
    names = sorted(tensors)
    halves = {f"{stem}-0000{n + 1}-of-00002.safetensors": names[n::2] for n in (0, 1)}
    for file, part in halves.items():
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
    where = {name: file for file, part in halves.items() for name in part}
    index = {"metadata": {}, "weight_map": where}
    whole.with_name(f"{stem}.safetensors.index.json").write_text(json.dumps(index))
    whole.unlink()


def test_weights_spread_over_several_files_are_all_looked_at(zimage):
    split(zimage / "transformer", "diffusion_pytorch_model")
    split(zimage / "text_encoder", "model")
    base = ZIMAGE.describe(zimage, "z")
    assert ZIMAGE.load(base).latent_shape(64, 64) == (16, 8, 8)
    part = zimage / "transformer" / "diffusion_pytorch_model-00002-of-00002.safetensors"
    whole = part.read_bytes()
    part.write_bytes(whole[:-8])
    with pytest.raises(InputError, match=r"00002-of-00002.safetensors is damaged"):
        ZIMAGE.describe(zimage, "z")
    part.unlink()
    with pytest.raises(InputError, match=r"transformer/.*00002-of-00002.safetensors is missing"):
        ZIMAGE.describe(zimage, "z")
    edit(zimage / "text_encoder" / "model.safetensors.index.json", weight_map={"a": "../model.safetensors"})
    part.write_bytes(whole)
    with pytest.raises(InputError, match="Only safetensors files beside it"):
        ZIMAGE.describe(zimage, "z")
