"""The miniature's upscaler: a small Swin2SR, 128 to 256 pixels, from portraits drawn at both sizes.

Half of the small pictures go through the miniature's autoencoder first: that is what rendered pictures
have behind them. Charbonnier loss on small crops, as in the paper (Conde et al. 2022, arXiv 2209.11345).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution

from duktus.domain.beginning import Upscale
from duktus.families.upscaler import describe_upscaler
from duktus.miniature.world import TRAINED_MEDIA, draw
from duktus.rendering.compare import compare
from duktus.rendering.upscaling import Upscaler
from tools.miniature.data import SIZE, portrait_of
from tools.miniature.progress import Budget, Log
from tools.miniature.trainer import Trainer, autocast, device_of
from tools.miniature_control.control import Base, load
from tools.miniature_control.pairs import halved

BATCH, RATE, SEED, CROP, POOL, MEASURED = 8, 1e-3, 2027, 32, 1_500, 32


def build() -> Any:
    """About 0.25 M parameters: two stages of four layers, 48 wide; half the lightweight Swin2SR's depth."""
    configuration: Any = Swin2SRConfig(
        embed_dim=48,
        depths=[4, 4],
        num_heads=[4, 4],
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
    pool_of = Pool(base, work, pool, log)
    trainer = Trainer(network, work / "upscaler.safetensors", budget, RATE, _schedule, log)
    running, first = 0.0, budget.step
    budget.start()
    while budget.fraction < 1:
        small, aim = (part.to(device) for part in pool_of.pair(budget.step, batch))
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


class Pool:
    """Portraits drawn once at twice the size, their halves, and the halves as the base would render them."""

    def __init__(self, base: Base, work: Path, count: int, log: Log) -> None:
        self._large = kept(work / "large.npy", lambda: _drawn(count, log))
        self._small = kept(work / "small.npy", lambda: np.stack([halved(one) for one in self._large]))
        self._worn = kept(work / "worn.npy", lambda: worn(base, self._small))

    def pair(self, step: int, batch: int) -> tuple[Tensor, Tensor]:
        """(n, 3, 32, 32) small crops and (n, 3, 64, 64) aims, in [0, 1]."""
        rng = np.random.default_rng([SEED, 8, step])
        crops, aims = [], []
        for index in rng.integers(len(self._large), size=batch):
            y, x = rng.integers(0, SIZE - CROP + 1, size=2)
            seen = self._worn if rng.random() < 0.5 else self._small
            turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
            crops.append(seen[index, y : y + CROP, x : x + CROP][:, turn])
            aims.append(self._large[index, 2 * y : 2 * (y + CROP), 2 * x : 2 * (x + CROP)][:, turn])
        return _tensor(crops), _tensor(aims)


def kept(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array in a file, made when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path.with_suffix(".part.npy"), make())
        path.with_suffix(".part.npy").replace(path)
    return np.load(path, mmap_mode="r")


def _drawn(count: int, log: Log) -> np.ndarray:
    log(f"drawing {count} portraits at {2 * SIZE} pixels")
    return np.stack([draw(portrait_of(SEED, i), SEED * 1_000_003 + i, 2 * SIZE) for i in range(count)])


@torch.no_grad()
def worn(base: Base, small: np.ndarray) -> np.ndarray:
    """(n, h, w, 3) bytes: the pictures after the base's autoencoder."""
    device = next(base.vae.parameters()).device
    found = []
    for start in range(0, len(small), 8):
        seen = _tensor(list(small[start : start + 8])).to(device) * 2 - 1
        worn = base.vae.decode(base.vae.encode(seen).latent_dist.mean).sample / 2 + 0.5
        found.append((worn.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(found)


def _tensor(pictures: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def _schedule(fraction: float) -> float:
    return max(0.02, 0.5 * (1 + math.cos(math.pi * fraction)))


def measure(folder: Path, out: Path, count: int = MEASURED) -> dict[str, Any]:
    """PSNR of enlarged portraits drawn anew, against bicubic interpolation of the same small pictures.

    ``drawn`` begins from the drawing at half its size, ``rendered`` from that after the base's autoencoder.
    """
    network = describe_upscaler(out)
    upscaler = Upscaler(network)
    how = Upscale(name="own", network=network.hash, factor=upscaler.factor, tile=192, overlap=16)
    portraits = [portrait_of(SEED + 1, index, TRAINED_MEDIA) for index in range(count)]
    aims = [draw(one, (SEED + 1) * 1_000_003 + n, 2 * SIZE) for n, one in enumerate(portraits)]
    drawn = np.stack([halved(aim) for aim in aims])
    report: dict[str, Any] = {"n": count}
    for name, small in (("drawn", drawn), ("rendered", worn(load(folder, torch.device("cpu")), drawn))):
        ours = [compare(upscaler.enlarge(one, how), aim).psnr for one, aim in zip(small, aims, strict=True)]
        plain = [compare(bicubic(one), aim).psnr for one, aim in zip(small, aims, strict=True)]
        report[name] = {
            "psnr": round(float(np.mean(ours)), 2),
            "psnr_bicubic": round(float(np.mean(plain)), 2),
            "nearer": sum(a > b for a, b in zip(ours, plain, strict=True)),
        }
    return report


def bicubic(small: np.ndarray) -> np.ndarray:
    """Twice as wide and high by interpolation."""
    height, width = small.shape[:2]
    return np.asarray(Image.fromarray(small).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
