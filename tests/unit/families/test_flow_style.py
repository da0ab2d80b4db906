"""The style files of FLUX.1 and Z-Image: names, folding, and what is refused."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from duktus.domain.errors import InputError, MismatchError
from duktus.families.flux.style_layout import LAYOUT as FLUX
from duktus.families.safetensors_header import read_header
from duktus.families.zimage.style_layout import LAYOUT as ZIMAGE

PATHS = ("layers.0.attention.to_q", "layers.0.feed_forward.w1")


def denoiser() -> nn.Module:
    block = nn.ModuleDict({
        "attention": nn.ModuleDict({"to_q": nn.Linear(6, 8)}),
        "feed_forward": nn.ModuleDict({"w1": nn.Linear(6, 8)}),
    })  # fmt: skip
    return nn.ModuleDict({"layers": nn.ModuleList([block])})


def tensors() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return {
        path: (torch.randn(4, 6, generator=generator), torch.randn(8, 4, generator=generator))
        for path in reversed(PATHS)
    }


@pytest.mark.parametrize("layout", [FLUX, ZIMAGE], ids=["flux", "zimage"])
@pytest.mark.parametrize("alpha", [4.0, 2.0])
def test_alpha_is_folded_and_paths_are_kept(layout, alpha, tmp_path):
    path = tmp_path / "s.safetensors"
    layout.write(path, tensors(), alpha=alpha, metadata={"trigger": "laz"})
    raw = load_file(path)
    assert set(raw) == {f"{layout.prefix}{name}.lora_{half}.weight" for name in PATHS for half in "AB"}
    back = layout.read(path, denoiser(), "m")
    assert list(back) == list(PATHS), "in the order of the network"
    for name, (down, up) in tensors().items():
        read_down, read_up, scale = back[name]
        assert scale == 1.0
        assert torch.allclose(read_up @ read_down, alpha / 4 * up @ down, rtol=1e-5)
    metadata = read_header(path).metadata
    assert metadata["ss_network_alpha"] == "4.0", "what is in the file acts like alpha = rank"
    assert metadata["modelspec.trigger_phrase"] == "laz"
    assert "lora_adapter_metadata" not in metadata


def changed(tmp_path, change):
    path = tmp_path / "s.safetensors"
    ZIMAGE.write(path, tensors(), alpha=4, metadata={})
    save_file(change(load_file(path)), path)
    return path


PREFIX = "diffusion_model.layers.0.attention.to_q"


def test_other_spellings_are_counted_and_refused(tmp_path):
    path = changed(tmp_path, lambda raw: raw | {f"{PREFIX}.alpha": torch.tensor(2.0)})
    with pytest.raises(MismatchError, match=r"1 of 5 tensors.*alpha folded in"):
        ZIMAGE.read(path, denoiser(), "m")
    with pytest.raises(MismatchError, match="5 of 5 tensors are not named transformer"):
        FLUX.read(path, denoiser(), "m")


def test_modules_of_another_base_are_counted(tmp_path):
    def rename(raw):
        return {name.replace("layers.0.attention", "layers.7.attention"): one for name, one in raw.items()}

    with pytest.raises(MismatchError, match=r"1 of 2 modules do not exist there.*layers.7"):
        ZIMAGE.read(changed(tmp_path, rename), denoiser(), "m")


def test_half_a_pair_another_shape_and_private_words_are_refused(tmp_path):
    def halve(raw):
        return {name: one for name, one in raw.items() if name != f"{PREFIX}.lora_B.weight"}

    with pytest.raises(InputError, match="lacks its down or up"):
        ZIMAGE.read(changed(tmp_path, halve), denoiser(), "m")

    def widen(raw):
        return raw | {f"{PREFIX}.lora_A.weight": torch.ones(4, 9)}

    with pytest.raises(MismatchError, match="shapes of 1 of 2"):
        ZIMAGE.read(changed(tmp_path, widen), denoiser(), "m")
    with pytest.raises(InputError, match="folder"):
        FLUX.write(tmp_path / "t.safetensors", tensors(), alpha=4, metadata={"folder": "/home"})
