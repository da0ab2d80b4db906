"""A plain reproduction of diffusers' LoRA scripts, to measure beside: the same calls in the same order.

    python benchmarks/diffusers_lora.py BASE PICTURES --out DIR --resolution 128 --batch 4 --rank 16 \
        --steps 300 --learning-rate 1e-3 [--snr-gamma 5]

After examples/text_to_image/train_text_to_image_lora.py (and, for a base with two text encoders,
train_text_to_image_lora_sdxl.py) of huggingface/diffusers, Apache-2.0, read at commit 58eb52c (0.40.0.dev0,
23 August 2026), the newest that was at hand; the diffusers that runs is the one in requirements.lock. The
scripts themselves need torchvision and datasets, which the lock does not hold. ``benchmarks/training.py``
compares with this reproduction, not with the scripts.

Kept: accelerate around network, optimiser, loader and schedule; peft's ``add_adapter`` with the scripts' one
set of targets (attention) and Gaussian start; networks loaded by ``from_pretrained``, in float32; torch's
AdamW with its defaults there (not fused); pictures opened, resized, cropped and normalised, VAE and text
encoders run in every step; loss, min-SNR weights, gathering, a gradient clip that clips nothing (the scripts
give it a spent iterator), a constant learning rate, a progress bar, and ``save_lora_weights`` at the end.
Left out: torchvision and datasets (pictures are read with Pillow and numpy, captions from .txt files
beside them; importing those two libraries would add to the scripts' time and memory), trackers, checkpoints
(the scripts write one every 500 steps), and drawing pictures for validation, which the scripts do only when
asked. For SDXL: the original size is the resolution, as with square pictures.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from diffusers import (
    AutoencoderKL,
    DDPMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.optimization import get_scheduler
from diffusers.training_utils import compute_snr
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from PIL import Image
from torch.nn import functional
from tqdm.auto import tqdm
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer


def main() -> None:
    """Teach, and write the style."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resolution", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--snr-gamma", type=float)
    teach(parser.parse_args())


Encoded = tuple[torch.Tensor, dict[str, torch.Tensor] | None]
"""Hidden states of a batch, and what SDXL is told beside them."""


class Words:
    """One or two CLIP text encoders with their tokenizers."""

    def __init__(self, base: Path) -> None:
        kinds = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
        self.names = [name for name in kinds if (base / name).is_dir()]
        self.tokenizers = [
            CLIPTokenizer.from_pretrained(base, subfolder=name.replace("text_encoder", "tokenizer"))
            for name in self.names
        ]
        self.encoders: list[Any] = [kinds[name].from_pretrained(base, subfolder=name) for name in self.names]
        for encoder in self.encoders:
            encoder.requires_grad_(requires_grad=False)

    @property
    def two(self) -> bool:
        """Whether this is SDXL."""
        return len(self.encoders) == 2

    def to(self, device: torch.device) -> None:
        """As the scripts move and cast them."""
        for encoder in self.encoders:
            encoder.to(device, dtype=torch.float32)

    def ids(self, caption: str) -> torch.Tensor:
        """Tokens for each encoder: (encoders, length)."""
        return torch.cat(
            [
                one(
                    caption,
                    max_length=one.model_max_length,
                    padding="max_length",
                    truncation=True,
                    return_tensors="pt",
                ).input_ids
                for one in self.tokenizers
            ]
        )

    def encode(self, ids: torch.Tensor, resolution: int) -> Encoded:
        """What the denoiser is told in words."""
        if not self.two:
            return self.encoders[0](ids[:, 0], return_dict=False)[0], None
        hidden, pooled = [], torch.empty(0)
        for number, encoder in enumerate(self.encoders):
            answer = encoder(ids[:, number], output_hidden_states=True, return_dict=False)
            pooled = answer[0]
            hidden.append(answer[-1][-2])
        sizes = torch.tensor([[resolution, resolution, 0, 0, resolution, resolution]] * len(ids))
        return torch.cat(hidden, -1), {"text_embeds": pooled, "time_ids": sizes.to(pooled)}


@dataclass(frozen=True, slots=True)
class Networks:
    """What a step asks."""

    unet: Any
    vae: Any
    words: Words
    noises: Any


class Pictures(torch.utils.data.Dataset):
    """Opened, resized, cropped and normalised each time, as the scripts' transforms do."""

    def __init__(self, folder: Path, words: Words, resolution: int) -> None:
        self.paths = sorted(path for path in folder.iterdir() if path.suffix == ".png")
        self.words = words
        self.resolution = resolution

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        path = self.paths[index]
        image = Image.open(path).convert("RGB")
        scale = self.resolution / min(image.size)
        image = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS
        )
        left, top = (image.width - self.resolution) // 2, (image.height - self.resolution) // 2
        image = image.crop((left, top, left + self.resolution, top + self.resolution))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div(255)
        caption = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        return {"pixel_values": (pixels - 0.5) / 0.5, "input_ids": self.words.ids(caption)}


def teach(asked: argparse.Namespace) -> None:
    """The loop of the scripts."""
    accelerator = Accelerator(gradient_accumulation_steps=1, mixed_precision="no")
    set_seed(0)
    noises = DDPMScheduler.from_pretrained(asked.base, subfolder="scheduler")
    words = Words(asked.base)
    vae: Any = AutoencoderKL.from_pretrained(asked.base, subfolder="vae")
    unet: Any = UNet2DConditionModel.from_pretrained(asked.base, subfolder="unet")
    unet.requires_grad_(requires_grad=False)
    vae.requires_grad_(requires_grad=False)
    unet.to(accelerator.device, dtype=torch.float32)
    vae.to(accelerator.device, dtype=torch.float32)
    words.to(accelerator.device)
    unet.add_adapter(
        LoraConfig(
            r=asked.rank,
            lora_alpha=asked.rank,
            init_lora_weights="gaussian",
            target_modules=["to_k", "to_q", "to_v", "to_out.0"],
        )
    )
    layers = filter(lambda parameter: parameter.requires_grad, unet.parameters())
    optimizer: Any = torch.optim.AdamW(layers, lr=asked.learning_rate, weight_decay=1e-2)
    data = Pictures(asked.pictures, words, asked.resolution)
    loader: Any = torch.utils.data.DataLoader(data, shuffle=True, batch_size=asked.batch, num_workers=0)
    rate = get_scheduler("constant", optimizer=optimizer, num_warmup_steps=0, num_training_steps=asked.steps)
    unet, optimizer, loader, rate = accelerator.prepare(unet, optimizer, loader, rate)
    bar, done = tqdm(range(asked.steps), desc="Steps"), 0
    while done < asked.steps:
        unet.train()
        for batch in loader:
            with accelerator.accumulate(unet):
                loss = _loss(asked, batch, Networks(unet, vae, words, noises))
                gathered = accelerator.gather(loss.repeat(asked.batch)).mean().item()
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(layers, 1.0)
                optimizer.step()
                rate.step()
                optimizer.zero_grad()
            bar.update(1)
            done += 1
            bar.set_postfix(step_loss=loss.detach().item(), mean=gathered, lr=rate.get_last_lr()[0])
            if done >= asked.steps:
                break
    unet = accelerator.unwrap_model(unet.to(torch.float32))
    pipeline = StableDiffusionXLPipeline if words.two else StableDiffusionPipeline
    pipeline.save_lora_weights(
        save_directory=asked.out,
        unet_lora_layers=convert_state_dict_to_diffusers(get_peft_model_state_dict(unet)),
        safe_serialization=True,
    )


def _loss(asked: argparse.Namespace, batch: dict[str, torch.Tensor], these: Networks) -> torch.Tensor:
    unet, vae, words, noises = these.unet, these.vae, these.words, these.noises
    latents = vae.encode(batch["pixel_values"]).latent_dist.sample() * vae.config.scaling_factor
    noise = torch.randn_like(latents)
    count = latents.shape[0]
    timesteps = torch.randint(0, noises.config.num_train_timesteps, (count,), device=latents.device).long()
    noisy = noises.add_noise(latents, noise, timesteps)
    hidden, beside = words.encode(batch["input_ids"], asked.resolution)
    target = noise
    if noises.config.prediction_type == "v_prediction":
        target = noises.get_velocity(latents, noise, timesteps)
    answer = unet(noisy, timesteps, hidden, added_cond_kwargs=beside, return_dict=False)[0]
    if asked.snr_gamma is None:
        return functional.mse_loss(answer.float(), target.float(), reduction="mean")
    snr = compute_snr(noises, timesteps)
    weights = torch.stack([snr, asked.snr_gamma * torch.ones_like(timesteps)], dim=1).min(dim=1)[0]
    weights = weights / (snr + 1 if noises.config.prediction_type == "v_prediction" else snr)
    loss = functional.mse_loss(answer.float(), target.float(), reduction="none")
    return (loss.mean(dim=list(range(1, len(loss.shape)))) * weights).mean()


if __name__ == "__main__":
    main()
