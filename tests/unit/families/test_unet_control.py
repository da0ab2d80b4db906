"""Control networks are told by what they hold; everything else is refused with its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.support.beginnings import write_random_adapter, write_random_control
from tests.support.forged_hashes import Asking
from tests.support.recipes import write_random_style
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.families.registry import family_of, steerable
from duktus.families.unet.controls import check, describe

FULL = {"channels": [32, 64, 64], "num_res_blocks": 1}


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    place = tmp_path_factory.mktemp("bases")
    folders = (write_tiny_base(place / "sd15", channels=(32, 64, 64)), write_tiny_sdxl(place / "sdxl"))
    return {base.family: base for base in (family_of(one).describe(one, one.name) for one in folders)}


@pytest.fixture(scope="module")
def networks(bases, tmp_path_factory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("networks")
    return {
        "sd15": write_random_control(bases["sd15"], place / "sd15"),
        "sdxl": write_random_control(bases["sdxl"], place / "sdxl"),
        "adapter": write_random_adapter(place / "adapter", **FULL),
    }


def test_an_adapter_is_the_same_as_a_folder_and_as_a_file_in_what_it_is(networks, bases):
    folder, file = (
        describe(networks["adapter"]),
        describe(networks["adapter"] / "diffusion_pytorch_model.safetensors"),
    )
    assert folder.kind == file.kind == "T2I-Adapter"
    asking = Asking()
    for place, network in ((networks["adapter"], folder), (file.folder, file)):
        assert steerable("sd15").describe_control(place, asking) == network
    assert asking.asked == [file.folder, file.folder]
    for network in (folder, file):
        check(bases["sd15"], network)
        loaded = steerable("sd15").load_control(network, _loaded(bases["sd15"]))
        seen = loaded.embed(torch.zeros(1, 3, 64, 64))
        assert [tuple(one.shape) for one in seen] == [(1, 32, 8, 8), (1, 64, 4, 4), (1, 64, 2, 2)]


def _loaded(base):
    from duktus.families.registry import family

    return family(base.family).load(base)


@pytest.mark.parametrize(("network", "base"), [("sd15", "sdxl"), ("sdxl", "sd15"), ("adapter", "sdxl")])
def test_a_network_of_another_family_does_not_fit(networks, bases, network, base):
    with pytest.raises(MismatchError, match="does not fit"):
        check(bases[base], describe(networks[network]))
    with pytest.raises(MismatchError, match="does not fit"):
        steerable(base).load_control(describe(networks[network]), _loaded(bases[base]))


def test_whose_a_control_net_is_stands_in_the_refusal(networks, bases, tmp_path):
    folder = _copy(networks["sd15"], tmp_path)
    configuration = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(configuration | {"cross_attention_dim": 768}))
    with pytest.raises(MismatchError, match="made for Stable Diffusion 1"):
        check(bases["sdxl"], describe(folder))


def test_a_style_is_told_from_a_control_network(bases, tmp_path):
    (tmp_path / "lora").mkdir()
    write_random_style(bases["sd15"], tmp_path / "lora" / "s.safetensors")
    for place in (tmp_path / "lora", tmp_path / "lora" / "s.safetensors"):
        with pytest.raises(InputError, match=r"s\.safetensors is a style \(LoRA\)"):
            describe(place)


def test_a_style_under_the_name_of_a_network_is_told_too(bases, networks, tmp_path):
    folder = _copy(networks["sd15"], tmp_path)
    write_random_style(bases["sd15"], folder / "diffusion_pytorch_model.safetensors")
    with pytest.raises(InputError, match="is a style"):
        describe(folder)


def test_other_things_are_named(bases, networks, tmp_path):
    with pytest.raises(NotFoundError, match="There is no control network"):
        describe(tmp_path / "nothing")
    with pytest.raises(InputError, match="is not a control network"):
        describe(bases["sd15"].folder)
    with pytest.raises(InputError, match="says UNet2DConditionModel"):
        describe(bases["sd15"].folder / "unet")
    with pytest.raises(InputError, match="in a layout that duktus does not read"):
        describe(networks["sd15"] / "diffusion_pytorch_model.safetensors")
    for names, words in (
        (["image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"], "is an IP-Adapter"),
        (["body.0.block1.weight", "conv_in.weight"], "original spelling"),
        (["a.weight"], "neither a ControlNet nor a T2I-Adapter"),
    ):
        save_file({name: torch.ones(2) for name in names}, tmp_path / "one.safetensors")
        with pytest.raises(InputError, match=words):
            describe(tmp_path / "one.safetensors")


def test_damaged_and_unsafe_files_are_refused(networks, tmp_path):
    folder = _copy(networks["adapter"], tmp_path)
    weights = folder / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(InputError, match="is damaged"):
        describe(folder)
    weights.unlink()
    (folder / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(InputError, match="Python pickle"):
        describe(folder)
    with pytest.raises(InputError, match="Python pickle"):
        describe(folder / "diffusion_pytorch_model.bin")
    weights.write_bytes(whole)
    configuration = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(configuration | {"channels": [32, 64]}))
    with pytest.raises(InputError, match="not those that its config"):
        describe(folder)


@pytest.mark.parametrize(
    ("name", "part"),
    [("adapter", "adapter.body.0.resnets.0.block1.weight"), ("sd15", "controlnet_mid_block.bias")],
)
def test_a_network_with_a_part_missing_is_refused_when_loaded(networks, bases, tmp_path, name, part):
    folder = _copy(networks[name], tmp_path)
    path = folder / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    del tensors[part]
    save_file(tensors, path)
    with pytest.raises(InputError, match="whole"):
        steerable("sd15").load_control(describe(folder), _loaded(bases["sd15"]))


def _copy(folder: Path, place: Path) -> Path:
    return shutil.copytree(folder, place / "copy")
