"""IP-Adapters are told by what they hold, with the encoder that belongs to them; all else is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.support.forged_hashes import Asking
from tests.support.recipes import write_random_style
from tests.support.references import write_random_encoder, write_random_reference
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_sdxl import write_tiny_sdxl

from duktus.domain.errors import InputError, MismatchError, NotFoundError
from duktus.families.registry import family, family_of, referring
from duktus.families.unet.ip_adapter import check, describe


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    place = tmp_path_factory.mktemp("bases")
    folders = (write_tiny_base(place / "sd15", channels=(32, 48)), write_tiny_sdxl(place / "sdxl"))
    return {base.family: base for base in (family_of(one).describe(one, one.name) for one in folders)}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return write_random_encoder(tmp_path_factory.mktemp("encoder") / "image_encoder")


@pytest.fixture(scope="module")
def adapter(bases, tmp_path_factory) -> Path:
    return write_random_reference(bases["sd15"], tmp_path_factory.mktemp("adapter") / "ip.safetensors")


def test_the_hash_names_adapter_and_encoder(adapter, encoder, tmp_path):
    other = write_random_encoder(tmp_path / "other", seed=1)
    asking = Asking()
    assert describe(adapter, encoder) == referring("sd15").describe_reference(adapter, encoder, asking)
    assert asking.asked == [adapter, encoder / "model.safetensors"]
    assert describe(adapter, encoder).hash != describe(adapter, other).hash


def test_an_adapter_of_another_family_does_not_fit(bases, adapter, encoder):
    network = describe(adapter, encoder)
    check(bases["sd15"], network)
    with pytest.raises(MismatchError, match="does not fit"):
        check(bases["sdxl"], network)


def test_an_adapter_for_other_attentions_does_not_fit(bases, adapter, encoder, tmp_path):
    tensors = load_file(adapter)
    del tensors["ip_adapter.1.to_k_ip.weight"], tensors["ip_adapter.1.to_v_ip.weight"]
    save_file(tensors, tmp_path / "fewer.safetensors")
    network = describe(tmp_path / "fewer.safetensors", encoder)
    with pytest.raises(MismatchError, match="matrices for 3 attentions, the base has 4"):
        referring("sd15").load_reference(network, family("sd15").load(bases["sd15"]))


def test_an_adapter_that_is_not_whole_is_refused(bases, encoder, tmp_path):
    for plus, part in ((False, "image_proj.norm.bias"), (True, "image_proj.layers.0.0.to_q.weight")):
        path = write_random_reference(bases["sd15"], tmp_path / "part.safetensors", plus=plus)
        tensors = load_file(path)
        del tensors[part]
        save_file(tensors, path)
        with pytest.raises(InputError, match="no whole IP-Adapter"):
            referring("sd15").load_reference(describe(path, encoder), family("sd15").load(bases["sd15"]))


def test_other_things_are_named(bases, adapter, encoder, tmp_path):
    with pytest.raises(NotFoundError, match="There is no IP-Adapter"):
        describe(tmp_path / "nothing.safetensors", encoder)
    pickle = tmp_path / "ip-adapter.bin"
    pickle.write_bytes(b"\x80\x04")
    with pytest.raises(InputError, match="Python pickle"):
        describe(pickle, encoder)
    write_random_style(bases["sd15"], tmp_path / "s.safetensors")
    with pytest.raises(InputError, match=r"is a style \(LoRA\), not an IP-Adapter"):
        describe(tmp_path / "s.safetensors", encoder)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(adapter.read_bytes()[:-64])
    with pytest.raises(InputError, match="is damaged"):
        describe(cut, encoder)
    face = {name: tensor for name, tensor in load_file(adapter).items() if not name.startswith("image_proj")}
    save_file(face | {"image_proj.proj.3.weight": torch.ones(4)}, cut)
    with pytest.raises(InputError, match="neither plain nor plus"):
        describe(cut, encoder)


def test_the_encoder_must_be_one_and_belong_to_it(adapter, encoder, bases, tmp_path):
    with pytest.raises(InputError, match="is not an image encoder"):
        describe(adapter, bases["sd15"].folder / "text_encoder")
    folder = shutil.copytree(encoder, tmp_path / "copy")
    configuration = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(configuration | {"projection_dim": 99}))
    with pytest.raises(InputError, match="gives 99 numbers, the adapter takes 24"):
        describe(adapter, folder)
    (folder / "config.json").write_text(json.dumps(configuration))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="a Python pickle"):
        describe(adapter, folder)
