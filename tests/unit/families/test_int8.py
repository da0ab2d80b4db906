"""Eight bits for frozen weights: how far off they are, what they save, and that nothing else changes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel
from tests.support.holding import answer, held, taught
from tests.support.tiny_base import write_tiny_base
from tests.support.tiny_flow import write_tiny_flux, write_tiny_zimage
from tests.support.tiny_parts import quiet
from tests.support.tiny_sdxl import write_tiny_sdxl
from torch import nn
from torch.profiler import ProfilerActivity
from transformers import PreTrainedModel

from duktus.domain.base import Base
from duktus.domain.errors import InputError
from duktus.domain.style import Targets
from duktus.families import at_use, int8, lora, registry
from duktus.families.diffusers_folder import weights_of
from duktus.families.family import LoadedBase
from duktus.families.folder_base import bytes_of
from duktus.families.holding import STOCK, Holding
from duktus.families.pretrained import load_network
from duktus.families.streaming import streamed

Write = Callable[[Path], Path]
FAMILIES = [write_tiny_base, write_tiny_sdxl, write_tiny_flux, write_tiny_zimage]
DENOISERS = {"sd15": "unet", "sdxl": "unet", "flux": "transformer", "zimage": "transformer"}


@pytest.fixture(params=FAMILIES, ids=["sd15", "sdxl", "flux", "zimage"], scope="module")
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    write: Write = request.param
    folder = write(tmp_path_factory.mktemp("base") / "base")
    return registry.family_of(folder).describe(folder, "tiny")


def twin(base: Base, of: LoadedBase) -> LoadedBase:
    """The same base with stock layers that hold what eight bits made of their weights."""
    stock = held(base, STOCK)
    for path, module in of.denoiser.named_modules():
        if isinstance(module, at_use.AtUse):
            layer: Any = stock.denoiser.get_submodule(path)
            layer.weight.data.copy_(module.weight)
    return stock


def test_no_value_is_further_off_than_half_a_step() -> None:
    weight = torch.randn((64, 48, 3, 3), generator=torch.Generator().manual_seed(0))
    weight[5] = 0
    steps, scale = int8.quantised(weight)
    assert steps.dtype is torch.int8
    assert scale.shape == (64, 1, 1, 1)
    assert bool(((int8.restored(steps, scale) - weight).abs() <= 0.5001 * scale).all())
    assert not int8.restored(steps, scale)[5].any()
    assert int(steps.abs().amax()) == 127


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 0.016), (torch.bfloat16, 0.017)])
def test_the_error_of_a_plain_weight_is_about_one_percent(dtype: torch.dtype, most: float) -> None:
    weight = torch.randn((256, 1024), generator=torch.Generator().manual_seed(0)).to(dtype)
    assert 0.004 < int8.relative_error(weight, *int8.quantised(weight)) < most


def test_a_weight_that_eight_bits_would_hurt_stays_as_it_is() -> None:
    network = nn.Module()
    network.layers = nn.ModuleList([nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))])
    with torch.no_grad():
        network.layers[0][0].weight[:, 3] = 1000.0
    assert at_use.large(network) == ("layers.0.0", "layers.0.1")
    at_use.all_in_int8(network)
    assert [isinstance(one, at_use.AtUse) for one in network.layers[0]] == [False, True]


def test_every_tensor_arrives_where_diffusers_puts_it(base: Base) -> None:
    stock: Any = held(base, STOCK).denoiser
    name = DENOISERS[base.family]
    again = streamed(
        type(stock),
        base.folder / name,
        weights_of(base.folder, name, "diffusion_pytorch_model"),
        dtype=torch.float32,
        device=torch.device("cpu"),
        holding=STOCK,
    )
    theirs, ours = stock.state_dict(), again.state_dict()
    assert theirs.keys() == ours.keys()
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs)
    assert not again.training
    assert not any(parameter.requires_grad for parameter in again.parameters())


def test_only_the_weights_of_the_blocks_are_held_in_eight_bits(base: Base) -> None:
    whole, small = held(base, STOCK), held(base, Holding(int8=True))
    paths = at_use.large(whole.denoiser)
    rows = dict(whole.denoiser.named_parameters())
    saved = 0
    for path in paths:
        weight = rows[f"{path}.weight"]
        layer: Any = small.denoiser.get_submodule(path)
        assert isinstance(layer, at_use.AtUse)
        assert layer.steps.shape == weight.shape
        assert int8.relative_error(weight, layer.steps, layer.scale) < 0.02
        saved += weight.numel() * 3 - weight.shape[0] * 4
    assert whole.denoiser_bytes - small.denoiser_bytes == saved
    assert small.encoder_bytes == whole.encoder_bytes > 0
    kept = {path for path, one in small.denoiser.named_modules() if type(one) in (nn.Linear, nn.Conv2d)}
    outside = {path for path in kept if not path.startswith(tuple(at_use.blocks(whole.denoiser)))}
    assert outside  # where latents, texts and timesteps come in, and the answer goes out
    assert kept == outside


def test_it_is_the_base_with_those_weights(base: Base) -> None:
    small = held(base, Holding(int8=True))
    said, gradients = taught(small)
    wanted, expected = taught(twin(base, small))
    assert (said - wanted).norm() <= 1e-5 * wanted.norm()
    for path, pair in gradients.items():
        for got, right in zip(pair, expected[path], strict=True):
            assert (got - right).norm() <= 1e-4 * right.norm(), path


def test_answers_and_gradients_are_near_those_of_the_whole_base(base: Base) -> None:
    said, gradients = taught(held(base, Holding(int8=True)))
    wanted, expected = taught(held(base, STOCK))
    assert 0 < (said - wanted).norm() / wanted.norm() < 0.05
    got = torch.cat([one.flatten() for pair in gradients.values() for one in pair])
    right = torch.cat([one.flatten() for pair in expected.values() for one in pair])
    assert (got - right).norm() / right.norm() < 0.1


def test_no_whole_weight_outlives_its_use(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    small = held(base, Holding(int8=True))
    made: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []

    def counted(steps: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        alive.append(sum(one() is not None for one in made))
        weight = int8.restored(steps, scale)
        made.append(weakref.ref(weight))
        return weight

    monkeypatch.setattr(at_use, "restored", counted)
    paths = small.target_modules(Targets.ATTENTION_FEED_FORWARD)
    lora.inject(small.denoiser, paths, rank=4, alpha=4, seed=0)
    before = len(made)
    said = answer(small)
    forward = len(made) - before
    assert forward >= len([*at_use.layers(small.denoiser)])
    assert all(one() is None for one in made)  # the graph is alive, and holds none of them
    said.square().mean().backward()
    assert len(made) > before + forward
    assert max(alive) == 0


def test_in_half_precision_too(base: Base) -> None:
    small, whole = held(base, Holding(int8=True), "bfloat16"), held(base, STOCK, "bfloat16")
    said, wanted = answer(small).float(), answer(whole).float()
    assert small.denoiser_bytes < 0.85 * whole.denoiser_bytes
    assert (said - wanted).norm() / wanted.norm() < 0.08


def test_weights_of_another_network_are_named(base: Base, tmp_path: Path) -> None:
    other = write_tiny_base(tmp_path / "other", channels=(32, 48))
    name = DENOISERS[base.family]
    kind = type(held(base, STOCK).denoiser)
    with pytest.raises(InputError, match=r"tensors are missing and \d+ have no place"):
        streamed(
            kind,
            base.folder / name,
            weights_of(
                other, "unet" if base.family in ("sd15", "sdxl") else "vae", "diffusion_pytorch_model"
            ),
            dtype=torch.float32,
            device=torch.device("cpu"),
            holding=Holding(int8=True),
        )


def test_text_encoders_that_are_kept_loaded(base: Base) -> None:
    loaded: Any = held(base, STOCK)
    texts = ["portrait of a woman with red hair"]
    networks = encoders(loaded)
    assert len(networks) == {"sd15": 1, "sdxl": 2, "flux": 2, "zimage": 1}[base.family]
    for network in networks:
        at_use.all_in_int8(network)
        assert len([*at_use.layers(network)]) >= 12  # of two layers or more
    small = loaded.encode_text(texts)
    right = held(base, STOCK).encode_text(texts)
    got, wanted = (torch.cat([*one.hidden]) for one in (small, right))
    assert 0 < (got - wanted).norm() / wanted.norm() < 0.05


def encoders(loaded: Any) -> list[Any]:
    """The text encoders of a base in memory, wherever its family keeps them."""
    found: list[Any] = [loaded, loaded.__dict__.get("_words")]
    for _ in range(3):  # attributes, lists of them, pairs in those
        found += [part for one in found for part in parts(one)]
    return [*{id(one): one for one in found if isinstance(one, PreTrainedModel)}.values()]


def parts(one: Any) -> list[Any]:
    """What a plain object or a list holds."""
    if isinstance(one, list | tuple):
        return [*one]
    ours = type(one).__module__.startswith("duktus.families")
    return [*one.__dict__.values()] if ours and hasattr(one, "__dict__") else []


def test_a_step_never_takes_what_the_whole_weights_would(tmp_path: Path) -> None:
    kind: Any = FluxTransformer2DModel
    with quiet(0):
        kind(**WIDE).to(torch.bfloat16).save_pretrained(tmp_path / "transformer")
    mapped = next((tmp_path / "transformer").glob("*.safetensors")).stat().st_size
    peaks: list[int] = []
    sizes: list[int] = []
    for holding in (STOCK, Holding(int8=True)):
        with torch.profiler.profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profile:
            network = load_network(
                kind,
                tmp_path,
                "transformer",
                dtype=torch.float32,
                device=torch.device("cpu"),
                holding=holding,
            )
            tokens = torch.ones(1, 16, 64, requires_grad=True)
            said = network(
                hidden_states=tokens,
                timestep=torch.ones(1),
                pooled_projections=torch.ones(1, 32),
                encoder_hidden_states=torch.ones(1, 8, 32),
                txt_ids=torch.zeros(8, 3),
                img_ids=torch.zeros(16, 3),
                return_dict=False,
            )[0]
            said.square().mean().backward()
        peaks.append(peak(profile, without=mapped))
        sizes.append(bytes_of(network))
        del network, said
    whole, small = sizes
    assert small < 0.3 * whole
    assert peaks[0] >= 0.99 * whole
    assert peaks[1] < small + 0.2 * whole  # one weight at a time, and what quantising it takes


WIDE = {
    "in_channels": 64,
    "num_layers": 2,
    "num_single_layers": 6,
    "attention_head_dim": 64,
    "num_attention_heads": 6,
    "joint_attention_dim": 32,
    "pooled_projection_dim": 32,
    "guidance_embeds": False,
    "axes_dims_rope": (16, 24, 24),
}


def peak(profile: Any, without: int) -> int:
    """Most bytes that torch had given out at a time; a mapped file of that size is no memory of its own."""
    found = profile.profiler.kineto_results.events()
    events = [one for one in found if one.name() == "[memory]" and abs(one.nbytes()) != without]
    most = now = 0
    for event in sorted(events, key=lambda one: one.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most
