"""The miniature's upscaler: a small Swin2SR, 128 to 256 pixels, from portraits drawn at both sizes.

Half of the small pictures go through the miniature's autoencoder first: that is what rendered pictures
have behind them. Charbonnier loss on crops of 64 pixels.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution

from duktus.miniature.world import TRAINED_MEDIA, draw
from duktus.rendering.compare import compare
from tools.miniature.data import SIZE, portrait_of
from tools.miniature.progress import Budget, Log
from tools.miniature.trainer import Trainer, autocast, device_of
from tools.miniature_control.control import Base, load
from tools.miniature_control.pairs import halved

BATCH, RATE, SEED, CROP, POOL, MEASURED = 16, 5e-4, 2027, 64, 1_500, 32


def build() -> Any:
    """About 0.9 M parameters: two stages of six layers, 60 wide, as the lightweight Swin2SR."""
    configuration: Any = Swin2SRConfig(
        embed_dim=60,
        depths=[6, 6],
        num_heads=[6, 6],
        window_size=8,
        image_size=CROP,
        mlp_ratio=2.0,
        upscale=2,
        upsampler="pixelshuffledirect",
    )
    making: Any = Swin2SRForImageSuperResolution
    return making(configuration)


def train(
    folder: Path,
    out: Path,
    budget: Budget,
    device_name: str = "auto",
    *,
    batch: int = BATCH,
    pool: int = POOL,
) -> None:
    """Train for the budget and write ``out`` as transformers saves it; checkpoints lie in ``out.work``."""
    device = device_of(device_name)
    work = out.with_name(out.name + ".work")
    log = Log(work / "train.log")
    base = load(folder, device)
    torch.manual_seed(SEED)
    network = build().to(device).train()
    large = _drawn(work / "large.npy", pool, log)
    trainer = Trainer(network, work / "upscaler.safetensors", budget, RATE, _schedule, log)
    running, first = 0.0, budget.step
    budget.start()
    while budget.fraction < 1:
        small, aim = _pair(base, large, budget.step, batch, device)
        with autocast(device):
            got = network(small).reconstruction
        loss = ((got.float() - aim).square() + 1e-6).sqrt().mean()
        trainer.step(loss)
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit(f"the loss is {value} at step {budget.step}; lower the learning rate")
        running += (value - running) * max(0.01, 1 / (budget.step - first))
        if budget.step % 50 == 0:
            log(f"upscaler: step {budget.step}, loss {running:.4f}, left {budget.left}")
    trainer.save()
    trainer.swap()
    network.eval().half().save_pretrained(out)
    log(f"upscaler: written to {out}")


def _drawn(path: Path, count: int, log: Log) -> np.ndarray:
    """Portraits at twice the miniature's size, drawn once."""
    if not path.exists():
        log(f"drawing {count} portraits at {2 * SIZE} pixels")
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures = [draw(portrait_of(SEED, i), SEED * 1_000_003 + i, 2 * SIZE) for i in range(count)]
        np.save(path.with_suffix(".part.npy"), np.stack(pictures))
        path.with_suffix(".part.npy").replace(path)
    return np.load(path, mmap_mode="r")


def _pair(
    base: Base, large: np.ndarray, step: int, batch: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """(n, 3, 64, 64) small crops and (n, 3, 128, 128) aims, in [0, 1]."""
    rng = np.random.default_rng([SEED, 8, step])
    chosen = [np.asarray(large[index]) for index in rng.integers(len(large), size=batch)]
    small = _tensor([halved(one) for one in chosen], device)
    worn = torch.from_numpy(rng.random(batch) < 0.5).to(device)
    if bool(worn.any()):
        with torch.no_grad():
            latents = base.vae.encode(small[worn] * 2 - 1).latent_dist.mean
            small[worn] = (base.vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
    aim = _tensor(chosen, device)
    places = rng.integers(0, SIZE - CROP + 1, size=(batch, 2))
    crops = [small[i, :, y : y + CROP, x : x + CROP] for i, (y, x) in enumerate(places)]
    aims = [aim[i, :, 2 * y : 2 * (y + CROP), 2 * x : 2 * (x + CROP)] for i, (y, x) in enumerate(places)]
    return torch.stack(crops), torch.stack(aims)


def _tensor(pictures: list[np.ndarray], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().to(device) / 255


def _schedule(fraction: float) -> float:
    return max(0.02, 0.5 * (1 + math.cos(math.pi * fraction)))


def measure(out: Path, count: int = MEASURED) -> dict[str, Any]:
    """PSNR of enlarged portraits drawn anew, against bicubic interpolation of the same small pictures."""
    from duktus.domain.beginning import Upscale
    from duktus.families.upscaler import describe_upscaler
    from duktus.rendering.upscaling import Upscaler

    network = describe_upscaler(out)
    upscaler = Upscaler(network)
    how = Upscale(name="own", network=network.hash, factor=upscaler.factor, tile=192, overlap=16)
    ours, bicubic = [], []
    for index in range(count):
        portrait = portrait_of(SEED + 1, index, TRAINED_MEDIA)
        aim = draw(portrait, (SEED + 1) * 1_000_003 + index, 2 * SIZE)
        small = halved(aim)
        ours.append(compare(upscaler.enlarge(small, how), aim).psnr)
        plain = np.asarray(Image.fromarray(small).resize((2 * SIZE, 2 * SIZE), Image.Resampling.BICUBIC))
        bicubic.append(compare(plain, aim).psnr)
    return {
        "n": count,
        "psnr": round(float(np.mean(ours)), 2),
        "psnr_bicubic": round(float(np.mean(bicubic)), 2),
    }
