"""Source pictures, masks and a random control network on the tiny base."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, T2IAdapter, UNet2DConditionModel
from PIL import Image
from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution
from transformers.utils import logging

from duktus.archive.store import file_sha256
from duktus.domain.base import Base
from duktus.rendering import Materials


def write_picture(path: Path, pixels: Any) -> tuple[str, Path]:
    """A PNG of those pixels; its file hash and path."""
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)
    return file_sha256(path), path


def photo(width: int = 64, height: int = 64, seed: int = 0) -> np.ndarray:
    """Soft coloured shapes with a little noise, (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (4, 4, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return (smooth.astype(np.int16) + rng.integers(-6, 7, smooth.shape)).clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Source:
    """A picture to draw over, and a mask that opens its right half; their files."""

    pixels: np.ndarray
    named: dict[str, Any]
    """As a recipe names it."""
    mask: str
    materials: Materials


def source_in(folder: Path, size: int) -> Source:
    """Both written to ``folder``."""
    pixels, mask = photo(size, size), np.zeros((size, size), np.uint8)
    mask[:, size // 2 :] = 255
    files = [write_picture(folder / name, one) for name, one in (("s.png", pixels), ("m.png", mask))]
    named = {"picture": files[0][0], "denoise": 0.5}
    return Source(pixels, named, files[1][0], Materials(pictures=dict(files)))


def write_random_control(base: Base, folder: Path, seed: int = 0) -> Path:
    """A ControlNet folder of the base's own architecture with random weights, none of them zero."""
    unets: Any = UNet2DConditionModel
    unet = unets.from_pretrained(base.folder / "unet", local_files_only=True, use_safetensors=True)
    making: Any = ControlNetModel
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = making.from_unet(
            unet, conditioning_embedding_out_channels=(8, 16, 16, 24), load_weights_from_unet=True
        )
        for parameter in network.parameters():
            if not parameter.any():
                parameter.data.normal_(std=0.1)
    network.save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["_class_name"] == "ControlNetModel"
    return folder


def write_random_adapter(folder: Path, seed: int = 0, **settings: Any) -> Path:
    """A T2I-Adapter folder of those settings of diffusers, with random weights."""
    making: Any = T2IAdapter
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        making(**settings).save_pretrained(folder)
    return folder


def write_random_upscaler(folder: Path, factor: int = 2, seed: int = 0) -> Path:
    """A small Swin2SR folder with random weights."""
    configuration: Any = Swin2SRConfig(
        embed_dim=12,
        depths=[1, 1],
        num_heads=[2, 2],
        window_size=8,
        image_size=64,
        upscale=factor,
        upsampler="pixelshuffledirect",
    )
    making: Any = Swin2SRForImageSuperResolution
    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = making(configuration)
        for parameter in network.parameters():
            if not parameter.any():
                parameter.data.normal_(std=0.02)
    network.save_pretrained(folder)
    return folder
