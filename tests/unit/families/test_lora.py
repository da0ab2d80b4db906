from __future__ import annotations

import pytest
import torch

from duktus.domain.errors import MismatchError
from duktus.domain.style import Targets
from duktus.families import lora

TIME = torch.tensor([500])


@pytest.fixture(scope="module")
def inputs(loaded):
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn((3, *loaded.latent_shape(64, 64)), generator=generator)
    return noisy, loaded.encode_text(["a woman", "", "a man with red hair"])


def answer(loaded, inputs):
    with torch.no_grad():
        return loaded.predict(inputs[0], TIME, inputs[1])


def taught(loaded, seed=0, targets=Targets.ATTENTION_FEED_FORWARD_CONV):
    made = lora.inject(loaded.denoiser, loaded.target_modules(targets), rank=4, alpha=2, seed=seed)
    generator = torch.Generator().manual_seed(seed + 9)
    for pair in made.pairs:
        pair.up.data.normal_(std=0.1, generator=generator)
    return made


def test_targets_are_what_their_words_say(loaded):
    attention = loaded.target_modules(Targets.ATTENTION)
    forward = loaded.target_modules(Targets.ATTENTION_FEED_FORWARD)
    convolution = loaded.target_modules(Targets.ATTENTION_FEED_FORWARD_CONV)
    assert len(attention) == 7 * 8
    assert len(forward) == 7 * 10
    assert {path.rsplit(".", 1)[-1] for path in set(convolution) - set(forward)} == {
        "conv", "conv1", "conv2", "conv_shortcut", "proj_in", "proj_out",
    }  # fmt: skip
    assert set(attention) < set(forward) < set(convolution) < set(dict(loaded.denoiser.named_modules()))


def test_a_fresh_adapter_changes_nothing_and_depends_on_its_seed_only(loaded, inputs):
    before = answer(loaded, inputs)
    paths = loaded.target_modules(Targets.ATTENTION_FEED_FORWARD_CONV)
    one = lora.inject(loaded.denoiser, paths, rank=4, alpha=4, seed=3)
    assert torch.equal(answer(loaded, inputs), before)
    one.eject()
    torch.manual_seed(99)
    two = lora.inject(loaded.denoiser, paths, rank=4, alpha=4, seed=3)
    two.eject()
    assert all(
        torch.equal(a[0], b[0]) for a, b in zip(one.tensors().values(), two.tensors().values(), strict=True)
    )


def test_eject_gives_back_exactly_the_base(loaded, inputs):
    names = [name for name, _ in loaded.denoiser.named_modules()]
    keys = list(loaded.denoiser.state_dict())
    patched = {name for name, module in loaded.denoiser.named_modules() if "forward" in module.__dict__}
    before = answer(loaded, inputs)
    first, second = taught(loaded), taught(loaded, seed=5)
    assert [name for name, _ in loaded.denoiser.named_modules()] == names
    assert list(loaded.denoiser.state_dict()) == keys
    assert not torch.equal(answer(loaded, inputs), before)
    first.eject()
    second.eject()
    first.eject()
    assert torch.equal(answer(loaded, inputs), before)
    assert patched == {
        name for name, module in loaded.denoiser.named_modules() if "forward" in module.__dict__
    }


def test_strength_zero_is_the_base_bit_for_bit_alone_and_beside_others(loaded, inputs):
    before = answer(loaded, inputs)
    style = taught(loaded)
    style.set_strengths(torch.zeros(3))
    assert torch.equal(answer(loaded, inputs), before)
    style.set_strengths(torch.tensor([0.0, 1.0, -0.5]))
    mixed = answer(loaded, inputs)
    style.eject()
    assert torch.equal(mixed[0], before[0])
    assert not torch.equal(mixed[1], before[1])


def test_each_picture_has_its_own_strength(loaded, inputs):
    style = taught(loaded)
    style.set_strengths(torch.tensor([0.3, 1.0, -0.5]))
    mixed = answer(loaded, inputs)
    for place, strength in enumerate((0.3, 1.0, -0.5)):
        style.set_strengths(torch.full((3,), strength))
        assert torch.equal(answer(loaded, inputs)[place], mixed[place])
    style.set_strengths(None)
    assert torch.allclose(answer(loaded, inputs)[1], mixed[1], atol=1e-5)
    style.eject()


def test_beside_the_weights_computes_what_fused_weights_would(loaded, inputs):
    style = taught(loaded)
    style.set_strengths(torch.full((3,), 0.7))
    beside = answer(loaded, inputs)
    tensors = style.tensors()
    style.eject()
    table = dict(loaded.denoiser.named_modules())
    kept = {path: table[path].weight.data.clone() for path in tensors}
    for path, (down, up) in tensors.items():
        change = (up.flatten(1) @ down.flatten(1)).reshape(table[path].weight.shape)
        table[path].weight.data += 0.7 * (2 / 4) * change
    fused = answer(loaded, inputs)
    for path, weight in kept.items():
        table[path].weight.data = weight
    assert torch.allclose(beside, fused, atol=1e-4)


def test_several_styles_add_up(loaded, inputs):
    first, second = taught(loaded), taught(loaded, seed=5)
    second.set_strengths(torch.zeros(3))
    both = answer(loaded, inputs)
    second.eject()
    assert torch.equal(both, answer(loaded, inputs))
    first.eject()


def test_only_the_adapter_learns_and_it_does(loaded, inputs):
    style = lora.inject(loaded.denoiser, loaded.target_modules(Targets.ATTENTION), rank=2, alpha=2, seed=0)
    assert all(parameter.dtype is torch.float32 for parameter in style.parameters())
    loaded.predict(inputs[0], torch.tensor([10, 500, 900]), inputs[1]).square().mean().backward()
    assert all(pair.up.grad is not None and pair.up.grad.any() for pair in style.pairs)
    assert all(parameter.grad is None for parameter in loaded.denoiser.parameters())
    style.eject()


def test_load_copies_values_and_refuses_other_modules(loaded):
    first, second = taught(loaded), taught(loaded, seed=5)
    second.load(first.tensors())
    assert all(torch.equal(a.up, b.up) for a, b in zip(first.pairs, second.pairs, strict=True))
    with pytest.raises(MismatchError):
        second.load(dict(list(first.tensors().items())[1:]))
    first.eject()
    second.eject()


def test_a_module_that_is_not_there_is_refused(loaded):
    with pytest.raises(MismatchError, match=r"mid_block\.nothing"):
        lora.inject(loaded.denoiser, ["mid_block.nothing"], rank=1, alpha=1, seed=0)
