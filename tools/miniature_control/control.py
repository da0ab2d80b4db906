"""A ControlNet for the miniature: the U-Net frozen, a copy of its first half learns the world's own lines.

Zhang et al. 2023, arXiv 2302.05543: the copy begins with the U-Net's weights and adds through convolutions
that begin with zeros, so the first step changes nothing. One caption in ten is empty, so that the control
picture has something to say that the words do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from duktus.domain.beginning import Control, ControlKind
from duktus.domain.canonical import sha256_hex
from duktus.domain.recipe import Recipe
from duktus.families.registry import family_of, steerable
from duktus.miniature.world import TRAINED_MEDIA, Portrait, caption, draw, full_caption
from duktus.rendering.canvas import plain_png
from duktus.rendering.compare import compare
from duktus.rendering.renderer import Materials, Renderer
from tools.miniature.data import SIZE, portrait_of
from tools.miniature.progress import Budget, Log
from tools.miniature.text import ids_of
from tools.miniature.trainer import Trainer, autocast, device_of
from tools.miniature_control.pairs import control_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH, RATE, SEED, PORTRAITS = 32, 1.2e-3, 2026, 2_500
CHANNELS = (16, 32, 48, 64)
"""Of the small net that looks at the control picture: three halvings, 128 pixels to 16 latents."""
MEASURED = 24


@dataclass(frozen=True, slots=True)
class Base:
    """The parts of the miniature, frozen."""

    unet: Any
    vae: Any
    text: Any
    tokenizer: Any
    noise: Any


def load(folder: Path, device: torch.device) -> Base:
    """The base's networks in float32, none of which learns."""
    parts: dict[str, Any] = {
        "unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel
    }  # fmt: skip
    loaded = {
        name: kind.from_pretrained(folder / name, local_files_only=True, use_safetensors=True)
        .to(device, torch.float32)
        .eval()
        .requires_grad_(requires_grad=False)
        for name, kind in parts.items()
    }
    noise: Any = DDIMScheduler
    tokens: Any = CLIPTokenizer
    return Base(
        loaded["unet"],
        loaded["vae"],
        loaded["text_encoder"],
        tokens.from_pretrained(folder / "tokenizer", local_files_only=True),
        noise.from_pretrained(folder / "scheduler", local_files_only=True),
    )


class Pairs:
    """Portraits of the base's own training set: latents and control pictures, made when first asked for.

    Every portrait has one control picture, of the kinds in turn.
    """

    def __init__(self, base: Base, kinds: Sequence[ControlKind], work: Path, count: int = PORTRAITS) -> None:
        self._base, self._kinds = base, kinds
        name = "-".join(kinds)
        channels = int(base.unet.config.in_channels)
        side = SIZE // 2 ** (len(base.vae.config.block_out_channels) - 1)
        self._latents = _array(work / "latents.npy", (count, channels, side, side), np.float16)
        self._controls = _array(work / f"{name}.npy", (count, SIZE, SIZE), np.uint8)
        self._known = _array(work / f"known-{name}.npy", (count,), np.uint8)
        self.portraits = [portrait_of(SEED, index) for index in range(count)]

    def of(self, chosen: np.ndarray) -> tuple[Tensor, Tensor, list[Portrait]]:
        """Clean latents (n, c, h, w), control pictures (n, 3, 128, 128) in [0, 1], and the portraits."""
        for index in chosen:
            if not self._known[index]:
                self._make(int(index))
        latents = torch.from_numpy(self._latents[chosen].astype(np.float32))
        controls = torch.from_numpy(self._controls[chosen].astype(np.float32) / 255)
        return latents, controls[:, None].repeat(1, 3, 1, 1), [self.portraits[index] for index in chosen]

    @torch.no_grad()
    def _make(self, index: int) -> None:
        portrait, seed = self.portraits[index], SEED * 1_000_003 + index
        device = next(self._base.unet.parameters()).device
        picture = torch.from_numpy(draw(portrait, seed, SIZE)).permute(2, 0, 1)[None].float() / 127.5 - 1
        vae = self._base.vae
        mean = vae.encode(picture.to(device)).latent_dist.mean - (vae.config.shift_factor or 0)
        self._latents[index] = (mean * vae.config.scaling_factor)[0].cpu().half().numpy()
        self._controls[index] = control_picture(self._kinds[index % len(self._kinds)], portrait, seed)
        self._known[index] = 1


def _array(path: Path, shape: tuple[int, ...], dtype: Any) -> np.memmap:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def words(portrait: Portrait, rng: np.random.Generator) -> str:
    """The world's caption, or nothing one time in ten."""
    return "" if rng.random() < 0.1 else caption(portrait, rng)


def train(
    folder: Path, out: Path, kinds: Sequence[ControlKind], budget: Budget, device_name: str = "auto", *,
    batch: int = BATCH, portraits: int = PORTRAITS,
) -> ControlNetModel:  # fmt: skip
    """Train one network on all ``kinds`` (the picture tells which) for the budget.

    It is written to ``out`` in the diffusers layout; checkpoints lie in ``out.work``.
    """
    device = device_of(device_name)
    work = out.with_name(out.name + ".work")
    log = Log(work / "train.log")
    base = load(folder, device)
    making: Any = ControlNetModel
    torch.manual_seed(SEED)
    network = making.from_unet(base.unet, conditioning_embedding_out_channels=CHANNELS).to(device).train()
    pairs = Pairs(base, kinds, work, portraits)
    trainer = Trainer(network, work / "control.safetensors", budget, RATE, _schedule, log)
    signal = base.noise.alphas_cumprod.to(device)
    running, first = 0.0, budget.step
    budget.start()
    while budget.fraction < 1:
        loss = _loss(base, network, pairs, signal, budget.step, batch)
        trainer.step(loss)
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit(f"the loss is {value} at step {budget.step}; lower the learning rate")
        running += (value - running) * max(0.01, 1 / (budget.step - first))
        if budget.step % 50 == 0:
            log(f"control: step {budget.step}, loss {running:.4f}, left {budget.left}")
    trainer.save()
    trainer.swap()
    network.eval().half().save_pretrained(out, variant="fp16")
    log(f"control: written to {out}")
    return network


def _loss(base: Base, network: Any, pairs: Pairs, signal: Tensor, step: int, batch: int) -> Tensor:
    rng = np.random.default_rng([SEED, 7, step])
    noise = torch.Generator().manual_seed(SEED * 1_000_000 + step)
    latents, seen, portraits = pairs.of(rng.integers(len(pairs.portraits), size=batch))
    device = signal.device
    eps = torch.randn(latents.shape, generator=noise).to(device)
    times = (torch.rand(batch, generator=noise) * len(signal)).long().clamp(max=len(signal) - 1).to(device)
    a, s = (part[:, None, None, None] for part in (signal[times].sqrt(), (1 - signal[times]).sqrt()))
    clean = latents.to(device)
    noisy = a * clean + s * eps
    target = a * eps - s * clean if base.noise.config.prediction_type == "v_prediction" else eps
    with autocast(device):
        with torch.no_grad():
            ids = ids_of(base.tokenizer, [words(one, rng) for one in portraits]).to(device)
            hidden = base.text(ids).last_hidden_state
        down, middle = network(noisy, times, hidden, controlnet_cond=seen.to(device), return_dict=False)
        got = base.unet(
            noisy,
            times,
            hidden,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
    return (got.float() - target).square().mean()


def _schedule(fraction: float) -> float:
    return 1.0 if fraction < 0.6 else max(0.02, 2.5 * (1 - fraction))


def measure(folder: Path, network_folder: Path, kind: ControlKind, count: int = MEASURED) -> dict[str, Any]:
    """How near pictures come to the portrait they are steered to, with and without control, by PSNR.

    The portraits are drawn anew and never trained on. Both renders have the full caption and one seed.
    """
    base = family_of(folder).describe(folder, "miniature")
    network = steerable(base.family).describe_control(network_folder)
    given = base.render
    plain: list[Recipe] = []
    steered: list[Recipe] = []
    files: dict[str, Path] = {}
    aims: list[Any] = []
    place = network_folder.with_name(network_folder.name + ".work") / "measured"
    place.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        portrait, seed = portrait_of(SEED + 1, index, TRAINED_MEDIA), (SEED + 1) * 1_000_003 + index
        aims.append(draw(portrait, seed, given.width))
        data = plain_png(np.repeat(control_picture(kind, portrait, seed, given.width)[:, :, None], 3, axis=2))
        path = place / f"{index:03}.png"
        path.write_bytes(data)
        name = sha256_hex(data)
        files[name] = path
        recipe = Recipe(
            base=base.ref, prompt=full_caption(portrait), seed=index, steps=given.steps, cfg=given.cfg,
            sampler=given.sampler, schedule=given.schedule, width=given.width, height=given.height,
        )  # fmt: skip
        control = Control(kind=kind, name="own", network=network.hash, picture=name)
        plain.append(recipe)
        steered.append(recipe.model_copy(update={"controls": (control,)}))
    renderer = Renderer(base, {}, materials=Materials(files, {network.hash: network}))
    found = {picture.index: picture.pixels for picture in renderer.render([*plain, *steered])}
    without = [compare(found[index], aims[index]).psnr for index in range(count)]
    held = [compare(found[count + index], aims[index]).psnr for index in range(count)]
    return {
        "n": count,
        "psnr_without": round(float(np.mean(without)), 2),
        "psnr_with": round(float(np.mean(held)), 2),
        "nearer_with_control": sum(b > a for a, b in zip(without, held, strict=True)),
    }
