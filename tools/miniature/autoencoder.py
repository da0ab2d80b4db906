"""The autoencoder: 128 px pictures to 16x16 latents of 32 channels and back.

Why f=8 with 32 channels: the best linear code of 8x8 cells (fitted to portraits and textures) keeps
28.0 dB of trained and 21.4 dB of held-out media with 16 numbers a cell, 30.5 and 23.3 with 24, 32.6 and
25.1 with 32; a network gains some dB on that, and the aim is 28 and 26. f=4 with 8 channels holds as
many numbers, keeps less (30.1 and 23.6) and costs the U-Net four times as much. No attention in the
middle, so that a crop trains the same network and a picture decodes alike in every batch. Most steps
see 64 px crops (four times as many pictures a minute), the last ones whole pictures: the statistics
of group norm depend on the size.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from tools.miniature.data import SIZE, Pictures
from tools.miniature.fast_norm import speed_up
from tools.miniature.progress import Budget, Log
from tools.miniature.sheet import write_sheet
from tools.miniature.trainer import Trainer, autocast

LATENTS = 32
"""Latent channels: 49,152 numbers of a picture become 8,192."""
CROP = 64
CROP_SHARE = 0.7
"""The share of the time that is spent on crops."""
PORTRAIT_SHARE = 0.45
"""The rest of the diet is textures. (The first 3,067 steps of the shipped weights had 0.6: at 28.0 dB on
trained and 21.2 dB on held-out media the textures were given more room.)"""
KL_WEIGHT = 3e-4
"""Per latent number: the latents stay near unit size without costing sharpness."""


def build() -> AutoencoderKL:
    """A new autoencoder of 3-4 M parameters; the level at full resolution decides its speed."""
    return AutoencoderKL(
        block_out_channels=(24, 48, 96, 192),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENTS,
        norm_num_groups=8,
        sample_size=SIZE,
        scaling_factor=1.0,
        force_upcast=False,
        mid_block_add_attention=False,
    )


def to_tensor(pictures: Pictures) -> Tensor:
    """(n, h, w, 3) bytes to (n, 3, h, w) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def psnr(one: Tensor, other: Tensor) -> Tensor:
    """Per picture, in dB, for values in -1..1."""
    return -10 * torch.log10(((one.clamp(-1, 1) - other) / 2).square().mean((1, 2, 3)))


def _recolour(patch: Pictures, rng: np.random.Generator) -> Pictures:
    """A texture in other colours, a quarter of them as ink: nearly black on white."""
    patch = patch[..., rng.permutation(3)]
    draw = rng.random()
    if draw < 0.25:
        grey = patch.astype(np.float32).mean(-1, keepdims=True)
        ink = (grey - grey.mean()) * rng.uniform(1.0, 4.0) + rng.uniform(90, 170)
        patch = np.broadcast_to(np.clip(ink, 12, 248), patch.shape).astype(np.uint8)
    elif draw < 0.4:
        patch = 255 - patch
    return patch


def batch(portraits: Pictures, textures: Pictures, count: int, size: int, rng: np.random.Generator) -> Tensor:
    """(count, 3, size, size): portraits and textures, mirrored and recoloured."""
    out = np.empty((count, size, size, 3), np.uint8)
    for k in range(count):
        portrait = rng.random() < PORTRAIT_SHARE
        source = portraits if portrait else textures
        top, left = rng.integers(0, SIZE - size + 1, 2)
        patch = source[int(rng.integers(len(source)))][top : top + size, left : left + size]
        if rng.random() < 0.5:
            patch = patch[:, ::-1]
        if not portrait:
            patch = _recolour(patch if rng.random() < 0.5 else patch.swapaxes(0, 1), rng)
        elif rng.random() < 0.1:
            patch = patch[..., rng.permutation(3)]
        out[k] = patch
    return to_tensor(out)


def loss_of(net: AutoencoderKL, pictures: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """The loss (mostly squared error: the aim is PSNR) and the squared error alone."""
    with autocast(pictures.device):
        mean, logvar = net.quant_conv(net.encoder(pictures)).float().chunk(2, 1)
        logvar = logvar.clamp(-20, 10)
        eps = torch.randn(mean.shape, generator=noise).to(mean.device)
        got = net.decoder(net.post_quant_conv(mean + (0.5 * logvar).exp() * eps)).float()
    error = got - pictures
    squared = error.square().mean()
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return 4 * squared + 0.3 * error.abs().mean() + 0.15 * edges + KL_WEIGHT * kl, squared


@torch.no_grad()
def reconstruct(net: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Through the bottleneck and back, 8 at a time, in fp32."""
    device = next(net.parameters()).device
    parts = [net.decode(net.encode(p.to(device)).latent_dist.mode()).sample.cpu() for p in pictures.split(8)]
    return torch.cat(parts)


def train(
    work: Path,
    data: tuple[Pictures, Pictures],
    looks: dict[str, Pictures],
    budget: Budget,
    device: torch.device,
    log: Log,
    seed: int,
) -> AutoencoderKL:
    """Trains (or goes on training) for the budget; `looks` are fresh pictures to judge by."""
    torch.manual_seed(seed)
    net = build().to(device)
    layout = torch.channels_last if speed_up(net, device) else torch.contiguous_format
    trainer = Trainer(net, work / "autoencoder.safetensors", budget, 1.5e-3, _anneal, log)
    noise, looked, first, running = torch.Generator(), budget.spent, budget.step, 0.0
    budget.start()
    while budget.fraction < 1:
        rng = np.random.default_rng([seed, 1, budget.step])
        noise.manual_seed(seed * 1_000_000 + budget.step)
        count, size = (16, CROP) if budget.fraction < CROP_SHARE else (8, SIZE)
        pictures = batch(*data, count, size, rng).to(device, memory_format=layout)
        loss, squared = loss_of(net, pictures, noise)
        trainer.step(loss)
        running += (squared.item() - running) * max(0.01, 1 / (budget.step - first))
        if budget.step % 50 == 0:
            decibel = 10 * math.log10(4 / running)
            log(
                f"autoencoder: step {budget.step}, {size} px, {decibel:.2f} dB on its diet, "
                f"left {budget.left}"
            )
        if budget.spent - looked > 300 or budget.fraction >= 1:
            looked = budget.spent
            _look(trainer, net, looks, work, log)
    trainer.save()
    trainer.swap()
    return net


def _anneal(fraction: float) -> float:
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fraction))


def _look(trainer: Trainer, net: AutoencoderKL, looks: dict[str, Pictures], work: Path, log: Log) -> None:
    trainer.swap()
    words, rows = [], []
    for name, pictures in looks.items():
        got = reconstruct(net, to_tensor(pictures))
        words.append(f"{name} {psnr(got, to_tensor(pictures)).mean():.2f} dB")
        rows += [to_tensor(pictures)[:8], got[:8]]
    trainer.swap()
    write_sheet(work / "autoencoder.png", rows)
    log(f"autoencoder: fresh pictures, {', '.join(words)} -> {work / 'autoencoder.png'}")


@torch.no_grad()
def encode_all(net: AutoencoderKL, pictures: Pictures, work: Path, log: Log) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and deviation of every picture and (after them) of every mirror image.

    Two (2n, channels, 16, 16) fp16 arrays, kept under `work`.
    """
    files = [work / "latent_mean.npy", work / "latent_deviation.npy"]
    if not all(f.exists() for f in files):
        device, n = next(net.parameters()).device, len(pictures)
        shape = (2 * n, net.config["latent_channels"], SIZE // 8, SIZE // 8)
        arrays = [np.empty(shape, np.float16) for _ in files]
        for start in range(0, n, 32):
            block = to_tensor(pictures[start : start + 32]).to(device, memory_format=torch.channels_last)
            for offset, seen in ((0, block), (n, block.flip(3))):
                with autocast(device):
                    mean, logvar = net.quant_conv(net.encoder(seen)).float().chunk(2, 1)
                place = slice(offset + start, offset + start + len(seen))
                arrays[0][place] = mean.cpu().numpy()
                arrays[1][place] = (0.5 * logvar.clamp(-20, 10)).exp().cpu().numpy()
            if start % 3200 == 0:
                log(f"latents: {start}/{n}")
        for file, array in zip(files, arrays, strict=True):
            part = file.with_suffix(".part.npy")
            np.save(part, array)
            part.rename(file)
    return np.load(files[0]), np.load(files[1])
