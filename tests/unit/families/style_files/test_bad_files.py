"""Files that are no style, damaged, or of a kind duktus does not read: said plainly, nothing written."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file
from tests.support import foreign_styles as foreign
from tests.support.foreign_styles import kohya, save, taught

from duktus.domain.errors import InputError, MismatchError
from duktus.families.style_files import reading
from duktus.families.style_files.checking import check
from duktus.families.style_files.mending import repair
from duktus.families.style_files.reading import read_style_file
from duktus.families.style_files.recognising import recognise


@pytest.fixture
def truth(narrow):
    return narrow["sd15"]


@pytest.fixture
def good(truth, tmp_path):
    """A sound file of two modules."""
    return save(tmp_path / "good.safetensors", kohya(taught(truth, r"unet\.mid_block.*attn1\.to_[qk]")))


def mend(path, truth):
    return repair(recognise(read_style_file(path), [truth], only=True), path.with_name("mended.safetensors"))


def test_a_truncated_file_a_pickle_and_other_things_are_refused(good, tmp_path):
    data = good.read_bytes()
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(data[:-5])
    with pytest.raises(InputError, match="damaged"):
        read_style_file(bad)
    torch.save({"a": torch.ones(1)}, bad)
    with pytest.raises(InputError, match="pickle"):
        read_style_file(bad)
    bad.write_bytes(b"")
    with pytest.raises(InputError, match="shorter than a header"):
        read_style_file(bad)
    with pytest.raises(InputError, match="is not a file"):
        read_style_file(tmp_path)


def test_a_header_that_claims_too_much_is_never_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_STYLE_HEADER", 1000)
    path = tmp_path / "huge.safetensors"
    text = json.dumps({"__metadata__": {"ss_tag_frequency": "x" * 2000}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(InputError, match="its header has"):
        read_style_file(path)
    path.write_bytes((2**63).to_bytes(8, "little") + text)
    with pytest.raises(InputError, match="reaches past its end"):
        read_style_file(path)


def test_a_base_model_is_no_style(tmp_path):
    path = save(tmp_path / "base.safetensors", {"down_blocks.0.resnets.0.conv1.weight": torch.ones(2, 2)})
    with pytest.raises(InputError, match="is no style"):
        read_style_file(path)


@pytest.mark.parametrize("end", ["lora_up.weight", "lora_down.weight"])
def test_half_a_pair_and_halves_that_do_not_fit_are_damage(good, end):
    tensors = load_file(good)
    key = next(key for key in tensors if key.endswith(end))
    save(good, {name: tensor for name, tensor in tensors.items() if name != key})
    with pytest.raises(InputError, match="lacks its other half"):
        read_style_file(good)
    save(good, tensors | {key: torch.ones(7, 7)})
    with pytest.raises(InputError, match="do not fit together"):
        read_style_file(good)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda up: torch.full_like(up, float("nan")), "1 of 2 modules hold NaN"),
        (lambda up: torch.full_like(up, float("inf")), "1 of 2 modules hold NaN"),
    ],
)
def test_numbers_that_are_none_are_told_and_not_mended(good, truth, change, words):
    tensors = load_file(good)
    key = next(key for key in tensors if key.endswith("lora_up.weight"))
    save(good, tensors | {key: change(tensors[key])})
    assert words in check(recognise(read_style_file(good), [truth])).problems[0]
    with pytest.raises(InputError, match=words):
        mend(good, truth)
    assert not good.with_name("mended.safetensors").exists()


def test_a_style_that_changes_nothing_is_told(good, truth):
    tensors = load_file(good)
    save(good, {key: torch.zeros_like(one) if "lora_up" in key else one for key, one in tensors.items()})
    assert "changes nothing" in check(recognise(read_style_file(good), [truth])).problems[0]
    save(good, {key: torch.zeros_like(one) if "alpha" in key else one for key, one in tensors.items()})
    result = check(recognise(read_style_file(good), [truth]))
    assert result.problems == ("alpha is zero: the style changes nothing",)
    with pytest.raises(InputError, match="alpha is zero"):
        mend(good, truth)


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        ("LoHa", ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"]),
        ("LoKr", ["lokr_w1", "lokr_w2"]),
        ("DoRA", ["dora_scale", "lora_down.weight", "lora_up.weight", "alpha"]),
    ],
)
def test_kinds_that_are_not_read_are_named_and_never_dropped(good, truth, kind, ends):
    stem = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_v"
    more = {f"{stem}.{end}": torch.ones(2, 2) for end in ends}
    save(good, load_file(good) | more)
    result = check(recognise(read_style_file(good), [truth]))
    assert result.unsupported == {kind: 1}
    rows = {row.program: row for row in result.rows}
    assert (rows["ComfyUI"].loaded, rows["ComfyUI"].of) == (2, 3)
    assert f"reads {kind} too" in rows["ComfyUI"].words
    assert f"does not read {kind}" in rows["diffusers"].words
    with pytest.raises(InputError, match=f"1 {kind}"):
        mend(good, truth)
    save(good, more)
    with pytest.raises(InputError, match=f"1 {kind} and no plain low-rank pair"):
        recognise(read_style_file(good), [truth])


def test_names_of_no_module_are_counted_and_not_mended(good, truth):
    nowhere = {"lora_unet_somewhere_else.lora_down.weight": torch.ones(2, 2),
               "lora_unet_somewhere_else.lora_up.weight": torch.ones(2, 2)}  # fmt: skip
    save(good, load_file(good) | nowhere)
    result = check(recognise(read_style_file(good), [truth]))
    assert result.unmatched == ("lora_unet_somewhere_else",)
    assert {(row.loaded, row.of) for row in result.rows if row.program in {"ComfyUI", "A1111"}} == {(2, 3)}
    with pytest.raises(InputError, match="1 of 3 pairs"):
        mend(good, truth)


def test_one_module_in_two_spellings_is_not_guessed(good, truth):
    pairs = taught(truth, r"unet\.mid_block.*attn1\.to_q")
    save(good, load_file(good) | foreign.ab(pairs, "unet."))
    with pytest.raises(InputError, match="twice, in two spellings"):
        mend(good, truth)


def test_a_style_of_no_family_and_one_of_another_base_say_so(good, narrow, tmp_path):
    path = save(tmp_path / "alien.safetensors", {"blocks.0.mix.lora_A.weight": torch.ones(2, 3),
                                                 "blocks.0.mix.lora_B.weight": torch.ones(3, 2)})  # fmt: skip
    with pytest.raises(MismatchError, match="none of the families"):
        recognise(read_style_file(path))
    with pytest.raises(MismatchError, match="is no style for zimage: 0 of 2 modules"):
        recognise(read_style_file(good), [narrow["zimage"]], only=True)


def test_metadata_is_read_strictly_and_kept_little(good, truth, tmp_path):
    said = {
        "modelspec.trigger_phrase": "inkwash",
        "ss_dataset_dirs": '{"10_private": {}}',
        "ss_tag_frequency": '{"10_private": {"my neighbour": 3}}',
        "lora_adapter_metadata": '{"unet.lora_alpha": "NaN", "unet.r": -1}',
    }
    save(good, load_file(good), said)
    style = recognise(read_style_file(good), [truth])
    assert check(style).trigger == "inkwash"
    assert style.file.metadata_scale is None
    for full in (False, True):
        repair(style, tmp_path / f"{full}.safetensors", full_metadata=full)
        kept = read_style_file(tmp_path / f"{full}.safetensors").header.metadata
        assert kept["modelspec.trigger_phrase"] == "inkwash"
        assert kept["ss_network_dim"] == "4"
        assert kept["ss_network_alpha"] == "2"
        assert ("ss_dataset_dirs" in kept) is full
        assert "lora_adapter_metadata" not in kept
    save(
        good, load_file(good), {"modelspec.trigger_phrase": "a\x1b[2Jb", "lora_adapter_metadata": "[" * 9999}
    )
    style = recognise(read_style_file(good), [truth])
    assert check(style).trigger is None
    assert style.file.metadata_scale is None
