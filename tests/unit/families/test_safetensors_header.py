from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from duktus.domain.errors import InputError
from duktus.families.safetensors_header import read_header, tensor_hash


def packed(content: object, data: bytes = b"") -> bytes:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def test_a_file_of_the_library_is_read(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(2, 3), "b": torch.ones(4, dtype=torch.bfloat16)}, path, {"note": "x"})
    header = read_header(path)
    assert header.tensors["a"].shape == (2, 3)
    assert header.tensors["b"].dtype == "BF16"
    assert header.metadata == {"note": "x"}
    assert len(tensor_hash(path)) == 64


@pytest.mark.parametrize("length", [0x80, 0x280, 0x4B50])
def test_a_header_whose_length_looks_like_the_start_of_a_pickle_is_read(tmp_path, length):
    path = tmp_path / "a.safetensors"
    raw = json.dumps({"__metadata__": {"note": "x"}}).encode()
    path.write_bytes(packed(raw + b" " * (length - len(raw))))
    assert read_header(path).metadata == {"note": "x"}


def entry(begin: int = 0, end: int = 4, shape: object = (1,), dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "shorter than a header"),
        (b"PK\x03\x04" + b"\0" * 100, "pickle"),
        (b"\x80\x02}q\x00" + b"\0" * 100, "pickle"),
        ((2**62).to_bytes(8, "little") + b"{}", "reaches past its end"),
        (packed(b"not json"), "not JSON"),
        (packed(b"[" * 5000), "not JSON"),
        (packed([1]), "not a JSON object"),
        (packed({"__metadata__": {"a": 1}}), "metadata"),
        (packed({"a": entry()}, b"\0" * 3), "bytes where its header asks"),
        (packed({"a": entry()}, b"\0" * 5), "bytes where its header asks"),
        (packed({"a": entry(shape=(2,))}, b"\0" * 4), "do not match its shape"),
        (packed({"a": entry(shape=(-1, -1))}, b"\0" * 4), "not a shape"),
        (packed({"a": entry(dtype="F99")}, b"\0" * 4), "not a tensor"),
        (packed({"a": [1]}, b"\0" * 4), "not a tensor"),
        (packed({"a": entry(), "b": entry()}, b"\0" * 4), "overlap"),
    ],
)
def test_every_damage_is_named(tmp_path, content, why):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=why):
        read_header(path)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_header(tmp_path / "absent.safetensors")
