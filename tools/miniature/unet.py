"""The U-Net on 16x16 latents, trained together with the text encoder.

v-prediction with plain v loss. (min-SNR weighting was considered and left out: in its v form it
weighs the noisiest steps by their signal-to-noise ratio, nearly zero, and those steps decide the
background and the medium.) The empty captions of the world, one in ten, are the dropout that
classifier-free guidance needs.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from duktus.miniature.world import Portrait, caption
from tools.miniature.condense import CHANNELS as LATENTS
from tools.miniature.data import mirrored
from tools.miniature.progress import Budget, Log
from tools.miniature.sheet import write_sheet
from tools.miniature.text import WIDTH, ids_of, with_foreign_word
from tools.miniature.trainer import Trainer, autocast

BATCH = 64
RATE = 1e-3
CHANNELS = (96, 128, 192)
"""10 M parameters, 70 pictures/s on two cores; (96, 160, 224): 13 M, 45/s; (64, 128, 192): 9 M, 82/s."""
LOOKS = (
    "a smiling woman with long red hair and glasses wearing a green jumper on a blue background, photo",
    "a serious man with short black hair, dark skin and a beard on a yellow background, cartoon",
    "a pencil drawing of a surprised child with curly blonde hair, looking to the left, pink background",
    "a watercolour portrait of a woman with grey hair in a bun and earrings in front of a orange background",
    "a charcoal drawing of a man with long brown hair wearing a white shirt in front of a purple background",
    "a risograph print of a smiling woman with short blue hair wearing a red jumper on a white background",
)


def build() -> UNet2DConditionModel:
    """A new U-Net with the block types of SD 1.x; attention on both upper levels is cheap here."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENTS,
        out_channels=LATENTS,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def scheduler() -> DDIMScheduler:
    """SD 1.x's noise, with v-prediction and trailing steps."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


class PlainAttention:
    """Attention by two matrix products: trains 1.4 times as fast on a CPU as the fused kernel.

    The fused kernel's backward took two fifths of a step. The same mathematics; only used here.
    """

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """(n, tokens, width) to the same shape."""
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        n, tokens, width = hidden_states.shape

        def heads(x: Tensor) -> Tensor:
            return x.view(n, -1, attn.heads, width // attn.heads).transpose(1, 2).flatten(0, 1)

        query, key = heads(attn.to_q(hidden_states) * attn.scale), heads(attn.to_k(context))
        weights = torch.bmm(query, key.transpose(1, 2)).softmax(-1).to(query.dtype)
        mixed = torch.bmm(weights, heads(attn.to_v(context)))
        out: Tensor = attn.to_out[0](
            mixed.view(n, attn.heads, tokens, -1).transpose(1, 2).reshape(n, tokens, width)
        )
        return out


def _schedule(fraction: float) -> float:
    return 1.0 if fraction < 0.5 else max(0.01, 2 * (1 - fraction))


def pipeline(
    vae: AutoencoderKL, text: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel
) -> StableDiffusionPipeline:
    """The standard pipeline, without safety checker and feature extractor."""
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


@torch.no_grad()
def sample(
    pipe: StableDiffusionPipeline,
    prompts: list[str],
    seeds: list[int],
    steps: int = 20,
    cfg: float = 3.0,
    karras: bool = False,
) -> Tensor:
    """(n, 3, 128, 128) in -1..1: DPM++ 2M, each picture from its own CPU generator."""
    kept = pipe.scheduler
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(kept.config, use_karras_sigmas=karras)
    pipe.set_progress_bar_config(disable=True)
    noise = torch.stack(
        [torch.randn(LATENTS, 16, 16, generator=torch.Generator().manual_seed(s)) for s in seeds]
    )
    latents = noise.to(pipe.device, pipe.unet.dtype)
    out = pipe(prompts, num_inference_steps=steps, guidance_scale=cfg, latents=latents, output_type="pt")
    pipe.scheduler = kept
    pictures: Tensor = out.images.float().cpu() * 2 - 1
    return pictures


def train(
    work: Path,
    latents: tuple[np.ndarray, np.ndarray],
    portraits: list[Portrait],
    vae: AutoencoderKL,
    text: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    budget: Budget,
    device: torch.device,
    log: Log,
    seed: int,
) -> UNet2DConditionModel:
    """Trains U-Net and text encoder for the budget; `latents` hold the mirror images after the rest."""
    torch.manual_seed(seed + 1)
    unet = build().to(device)
    layout = torch.channels_last
    unet.to(memory_format=layout)  # type: ignore[call-overload]
    kept = unet.attn_processors
    if device.type == "cpu":
        unet.set_attn_processor(PlainAttention())
        text.set_attn_implementation("eager")  # with the fused kernel a step took 1.75 times as long
    forward = torch.compile(unet)  # 1.13 times as fast as the fast norm on a CPU
    both = nn.ModuleDict({"unet": unet, "text": text.to(device)})
    trainer = Trainer(both, work / "unet.safetensors", budget, RATE, _schedule, log)
    everyone = portraits + [mirrored(p) for p in portraits]
    alpha = scheduler().alphas_cumprod.to(device)
    noise, looked, first, running = torch.Generator(), budget.spent, budget.step, 0.0
    budget.start()
    while budget.fraction < 1:
        rng = np.random.default_rng([seed, 3, budget.step])
        noise.manual_seed(seed * 1_000_000 + budget.step)
        chosen = rng.integers(len(everyone), size=BATCH)
        texts = [with_foreign_word(caption(everyone[i], rng), rng) for i in chosen]
        mean, deviation = (torch.from_numpy(a[chosen]).float() for a in latents)
        clean = (mean + deviation * torch.randn(mean.shape, generator=noise)).to(device, memory_format=layout)
        eps = torch.randn(mean.shape, generator=noise).to(device, memory_format=layout)
        times = _spread(BATCH, noise).to(device)
        a = alpha[times].sqrt()[:, None, None, None]
        s = (1 - alpha[times]).sqrt()[:, None, None, None]
        with autocast(device):
            words = text(ids_of(tokenizer, texts).to(device)).last_hidden_state
            got = forward(a * clean + s * eps, times, words).sample
        loss = (got.float() - (a * eps - s * clean)).square().mean()
        trainer.step(loss)
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit(f"the loss is {value} at step {budget.step}; lower the learning rate")
        running += (value - running) * max(0.01, 1 / (budget.step - first))
        if budget.step % 50 == 0:
            log(
                f"unet: step {budget.step}, {budget.step * BATCH} pictures, "
                f"loss {running:.4f}, left {budget.left}"
            )
        if budget.spent - looked > 600:
            looked = budget.spent
            _look(trainer, pipeline(vae, text, tokenizer, unet), work, log)
    trainer.save()
    trainer.swap()
    unet.set_attn_processor(kept)
    text.set_attn_implementation("sdpa")
    return unet


def _spread(count: int, noise: torch.Generator) -> Tensor:
    """Timesteps 0..999, one from each of `count` equal strata: less noise in the gradient."""
    start = torch.arange(count) + torch.rand(count, generator=noise)
    return (start * (1000 / count)).long().clamp(max=999)


def _look(trainer: Trainer, pipe: StableDiffusionPipeline, work: Path, log: Log) -> None:
    trainer.swap()
    pipe.unet.eval(), pipe.text_encoder.eval()
    rows = [sample(pipe, [prompt] * 4, list(range(4))) for prompt in LOOKS]
    pipe.unet.train(), pipe.text_encoder.train()
    trainer.swap()
    file = work / f"samples-{int(trainer.budget.spent // 60):03d}.png"
    write_sheet(file, rows)
    log(f"unet: samples after {trainer.budget.spent / 60:.0f} min -> {file}")
