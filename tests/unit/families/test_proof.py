from __future__ import annotations

import pytest
import torch
from torch import nn

from duktus.families import lora, proof
from duktus.families.registry import family


def rounds_with_the_batch(x):
    """An operation with the fault that the proof lane is there for."""
    return x + x.shape[0]


def test_an_operation_that_depends_on_the_batch_is_done_picture_by_picture():
    x = torch.zeros(5, 2)
    held = proof.Held(rounds_with_the_batch, ())
    assert torch.equal(held(x), x + 1)
    assert torch.equal(held(x), x + 1)
    assert not proof.holds(rounds_with_the_batch, (x,), ())


def test_a_shape_is_tried_once_on_numbers_that_are_not_zero():
    seen = []

    def watched(x):
        seen.append((x.shape[0], bool(x.all())))
        return x * 2

    for held in (proof.Held(watched, ()), proof.Held(watched, ())):
        held(torch.zeros(4, 3))
    assert seen == [(4, True), *[(1, True)] * 4, *[(4, False)] * 2]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("batch", [2, 3, 6, 12])
def test_every_operation_holds_its_bits(batch, channels_last):
    torch.manual_seed(0)
    layers = {
        nn.Conv2d(16, 24, 3, padding=1): (16, 16, 16),
        nn.Conv2d(24, 24, 3, stride=2, padding=1): (24, 5, 5),
        nn.Conv2d(40, 16, 1): (40, 4, 4),
        nn.GroupNorm(8, 24): (24, 40, 40),
        nn.Linear(64, 32): (64,),
        nn.Linear(1280, 16): (64, 1280),
        nn.LayerNorm(24): (7, 24),
    }
    whole = nn.ModuleList(layers)
    proof.hold_bits(whole)
    with torch.inference_mode():
        for layer, shape in layers.items():
            x = torch.randn(batch, *shape)
            if channels_last and len(shape) == 3:
                x = x.to(memory_format=torch.channels_last)
            alone = torch.cat([layer(row) for row in x.split(1)])
            assert torch.equal(layer(x), alone), layer


def test_attention_holds_its_bits():
    query, key = torch.randn(6, 4, 64, 8), torch.randn(6, 4, 77, 8)
    rows = [proof.attention(q, k, k) for q, k in zip(query.split(1), key.split(1), strict=True)]
    assert torch.equal(proof.attention(query, key, key), torch.cat(rows))


def test_the_unet_holds_its_bits_with_strengths_and_stays_close_to_stock(tiny):
    loaded = family("sd15").load(tiny)
    noisy = torch.randn(6, *loaded.latent_shape(128, 128))
    text = loaded.encode_text([f"a woman {n}" for n in range(6)])
    for times in (torch.tensor([500]), torch.arange(0, 900, 150)):
        stock = loaded.predict(noisy, times, text)
        assert loaded.predict(noisy, times.expand(6), text).equal(stock)
    held = family("sd15").load(tiny)
    held.proof_arithmetic()
    from duktus.domain.style import Targets

    style = lora.inject(
        held.denoiser, held.target_modules(Targets.ATTENTION_FEED_FORWARD_CONV), rank=16, alpha=16, seed=0
    )
    with torch.inference_mode():
        style.set_strengths(torch.zeros(6))
        assert torch.allclose(held.predict(noisy, times, text), stock, atol=1e-4)
        for pair in style.pairs:
            pair.up.normal_(std=0.05)
        strengths = torch.tensor([0.0, 0.5, 1.0, 1.2, 2.0, -1.0])
        style.set_strengths(strengths)
        for times in (torch.tensor([500]), torch.arange(0, 900, 150)):
            style.set_strengths(strengths)
            together = held.predict(noisy, times, text)
            for place in range(6):
                style.set_strengths(strengths[place : place + 1])
                own = times if len(times) == 1 else times[place : place + 1]
                alone = held.predict(noisy[place : place + 1], own, text.rows([place]))
                assert torch.equal(alone[0], together[place])
