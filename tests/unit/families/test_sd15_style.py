from __future__ import annotations

import hashlib
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from duktus.domain.errors import InputError, MismatchError, StorageError
from duktus.domain.style import Targets
from duktus.families import lora
from duktus.families.registry import family
from duktus.families.safetensors_header import read_header, tensor_hash

SD15 = family("sd15")


def adapter(loaded, targets=Targets.ATTENTION_FEED_FORWARD_CONV, rank=4, alpha=4.0, seed=0):
    """A taught-looking adapter: random up matrices."""
    made = lora.inject(loaded.denoiser, loaded.target_modules(targets), rank=rank, alpha=alpha, seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    tensors = {
        path: (down, torch.randn(up.shape, generator=generator))
        for path, (down, up) in made.tensors().items()
    }
    made.eject()
    return tensors


def test_what_is_written_is_read_back_exactly(loaded, tmp_path):
    tensors = adapter(loaded)
    digest = SD15.write_style(tmp_path / "s.safetensors", tensors, alpha=2, metadata={})
    back = SD15.read_style(tmp_path / "s.safetensors", loaded)
    assert list(back) == list(tensors)
    for path, (down, up, scale) in back.items():
        assert torch.equal(down, tensors[path][0])
        assert torch.equal(up, tensors[path][1])
        assert scale == 0.5
    assert digest == tensor_hash(tmp_path / "s.safetensors")


def test_names_are_kohya_with_diffusers_modules(loaded, tmp_path):
    SD15.write_style(tmp_path / "s.safetensors", adapter(loaded), alpha=4, metadata={})
    tensors = read_header(tmp_path / "s.safetensors").tensors
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0"
    assert tensors[f"{stem}.lora_down.weight"].shape == (4, 32)
    assert tensors[f"{stem}.lora_up.weight"].shape == (32, 4)
    assert tensors[f"{stem}.alpha"].shape == ()
    conv = "lora_unet_down_blocks_0_resnets_0_conv1"
    assert tensors[f"{conv}.lora_down.weight"].shape == (4, 32, 3, 3)
    assert tensors[f"{conv}.lora_up.weight"].shape == (32, 4, 1, 1)


def test_equal_styles_are_equal_files_and_the_library_reads_them(loaded, tmp_path):
    for name in ("a", "b"):
        SD15.write_style(
            tmp_path / f"{name}.safetensors",
            adapter(loaded),
            alpha=4,
            metadata={"trigger": "sportrait-läz", "title": "laz", "base_weights": "ab"},
        )
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        assert file.metadata()["modelspec.trigger_phrase"] == "sportrait-läz"
    assert len(load_file(tmp_path / "a.safetensors")) == 3 * len(adapter(loaded))
    assert not list(tmp_path.glob(".*"))


def test_the_hashes_inside_are_the_true_ones(loaded, tmp_path):
    path = tmp_path / "s.safetensors"
    tensors = {name: (d.repeat(16, *[1] * (d.ndim - 1)), u.repeat(1, 16, *[1] * (u.ndim - 2)))
               for name, (d, u) in adapter(loaded).items()}  # fmt: skip
    digest = SD15.write_style(path, tensors, alpha=64, metadata={})
    data = path.read_bytes()
    metadata = read_header(path).metadata
    assert len(data) > 0x110000
    assert metadata["sshs_model_hash"] == digest
    assert metadata["modelspec.hash_sha256"] == f"0x{digest}"
    assert metadata["sshs_legacy_hash"] == hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8]
    assert digest == hashlib.sha256(data[read_header(path).data_start :]).hexdigest()


def test_what_has_no_place_in_the_file_is_refused(loaded, tmp_path):
    with pytest.raises(InputError, match="dataset_folder"):
        SD15.write_style(
            tmp_path / "s.safetensors", adapter(loaded), alpha=4, metadata={"dataset_folder": "/home/me"}
        )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_damaged_adapter_is_neither_written_nor_read(loaded, tmp_path, value):
    tensors = adapter(loaded)
    path = tmp_path / "s.safetensors"
    SD15.write_style(path, tensors, alpha=4, metadata={})
    first = next(iter(tensors))
    tensors[first][1].view(-1)[0] = value
    with pytest.raises(InputError, match=first):
        SD15.write_style(tmp_path / "t.safetensors", tensors, alpha=4, metadata={})
    assert not (tmp_path / "t.safetensors").exists()
    raw = load_file(path)
    raw[next(name for name in raw if name.endswith("lora_up.weight"))].view(-1)[0] = value
    save_file(raw, path)
    with pytest.raises(InputError, match="NaN or infinite"):
        SD15.read_style(path, loaded)


def test_an_adapter_that_does_nothing_is_refused(loaded, tmp_path):
    tensors = {path: (down, torch.zeros_like(up)) for path, (down, up) in adapter(loaded).items()}
    with pytest.raises(InputError, match="changes nothing"):
        SD15.write_style(tmp_path / "s.safetensors", tensors, alpha=4, metadata={})


def test_a_truncated_file_and_a_pickle_are_refused(loaded, tmp_path):
    path = tmp_path / "s.safetensors"
    SD15.write_style(path, adapter(loaded), alpha=4, metadata={})
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match="damaged"):
        SD15.read_style(path, loaded)
    torch.save({"a": torch.ones(1)}, path)
    with pytest.raises(InputError, match="pickle"):
        SD15.read_style(path, loaded)


def test_modules_and_shapes_of_another_base_are_counted(loaded, tmp_path):
    path = tmp_path / "s.safetensors"
    tensors = adapter(loaded, Targets.ATTENTION)
    first, *rest = tensors
    renamed = {f"{first}_elsewhere": tensors[first], **{name: tensors[name] for name in rest}}
    SD15.write_style(path, renamed, alpha=4, metadata={})
    with pytest.raises(MismatchError, match=f"1 of {len(tensors)} modules do not exist"):
        SD15.read_style(path, loaded)
    down, up = tensors[first]
    SD15.write_style(path, tensors | {first: (down.repeat(1, 2), up)}, alpha=4, metadata={})
    with pytest.raises(MismatchError, match=f"the shapes of 1 of {len(tensors)} modules differ"):
        SD15.read_style(path, loaded)


def test_another_layout_and_half_a_pair_are_refused(loaded, tmp_path):
    path = tmp_path / "s.safetensors"
    save_file({"unet.down_blocks.0.lora_A.weight": torch.ones(1, 1)}, path)
    with pytest.raises(MismatchError, match="1 of 1 tensors are not named lora_unet_"):
        SD15.read_style(path, loaded)
    SD15.write_style(path, adapter(loaded), alpha=4, metadata={})
    raw = load_file(path)
    del raw[next(name for name in raw if name.endswith("lora_up.weight"))]
    save_file(raw, path)
    with pytest.raises(InputError, match="lacks its down or up"):
        SD15.read_style(path, loaded)


def test_a_file_without_alpha_has_scale_one(loaded, tmp_path):
    path = tmp_path / "s.safetensors"
    SD15.write_style(path, adapter(loaded), alpha=1, metadata={})
    raw = {name: tensor for name, tensor in load_file(path).items() if not name.endswith(".alpha")}
    save_file(raw, path, json.loads("{}"))
    assert {scale for _, _, scale in SD15.read_style(path, loaded).values()} == {1.0}


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(loaded, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        SD15.write_style(tmp_path / "file" / "s.safetensors", adapter(loaded), alpha=4, metadata={})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
