"""A small random-weight Stable Diffusion 1.x folder with the miniature's exact shape of things.

f = 8 with 16 latent channels, cross-attention, v-prediction, a real (small) CLIP vocabulary. Nothing in it is
trained; every piece that diffusers initialises with zeros gets random values, so that prompts, strengths
and seeds change the picture. Deterministic from its seed; writes in about a second.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

WORDS = """
woman man child portrait of a an the with and in short long curly hair brown blond black red grey beard
glasses smiling turned left right clothes background blue green yellow photo pencil sketch watercolour
""".split()  # noqa: SIM905


def bytes_to_unicode() -> list[str]:
    """The 256 printable stand-ins for bytes of GPT-2 and CLIP vocabularies."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [*map(chr, kept), *(chr(256 + n) for n in range(256 - len(kept)))]


def vocabulary(words: Sequence[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A byte-level CLIP vocabulary in which each of ``words`` is one token."""
    tokens = bytes_to_unicode()
    tokens = [*tokens, *(token + "</w>" for token in tokens)]
    merges: list[tuple[str, str]] = []
    for word in dict.fromkeys(words):
        symbols = [*word[:-1], word[-1] + "</w>"]
        while len(symbols) > 1:
            pair = (symbols[0], symbols[1])
            if pair not in merges:
                merges.append(pair)
            symbols = ["".join(pair), *symbols[2:]]
    tokens = [*tokens, *dict.fromkeys("".join(pair) for pair in merges)]
    tokens = [*tokens, "<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}, merges


def write_tiny_base(
    folder: Path,
    seed: int = 0,
    *,
    channels: tuple[int, ...] = (32, 64, 96),
    prediction: str = "v_prediction",
    latent_channels: int = 16,
    sample_size: int = 16,
    duktus: dict[str, object] | None = None,
) -> Path:
    """Write the folder and return it. ``duktus`` becomes ``duktus.json`` when given."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    text_width = 64
    autoencoder: Any = AutoencoderKL  # the stubs of diffusers and transformers are narrower than their code
    tokens: Any = CLIPTokenizer
    noise: Any = DDIMScheduler
    whole: Any = StableDiffusionPipeline
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vocab, merges = vocabulary(WORDS)
        unet = UNet2DConditionModel(
            sample_size=sample_size,
            in_channels=latent_channels,
            out_channels=latent_channels,
            down_block_types=(*("CrossAttnDownBlock2D",) * (len(channels) - 1), "DownBlock2D"),
            up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * (len(channels) - 1)),
            block_out_channels=channels,
            layers_per_block=1,
            cross_attention_dim=text_width,
            attention_head_dim=4,
            norm_num_groups=16,
        )
        vae = autoencoder(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 16, 16, 16),
            layers_per_block=1,
            latent_channels=latent_channels,
            norm_num_groups=8,
            sample_size=sample_size * 8,
            mid_block_add_attention=False,
            scaling_factor=0.5,
        )
        text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(vocab),
                hidden_size=text_width,
                intermediate_size=text_width * 2,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=77,
                bos_token_id=vocab["<|startoftext|>"],
                eos_token_id=vocab["<|endoftext|>"],
                pad_token_id=vocab["<|endoftext|>"],
                projection_dim=text_width,
            )
        )
        for network in (unet, vae, text):
            for parameter in network.parameters():
                if not parameter.any():
                    parameter.data.normal_(std=0.02)
    tokenizer = tokens(vocab=vocab, merges=merges, model_max_length=77)
    scheduler = noise(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction,
        timestep_spacing="leading" if prediction == "epsilon" else "trailing",
    )
    pipeline = whole(
        vae=vae.eval(),
        text_encoder=text.eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "tokenizer" / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if duktus is not None:
        (folder / "duktus.json").write_text(json.dumps(duktus, indent=2), encoding="utf-8")
    return folder


MINIATURE_DEFAULTS: dict[str, object] = {
    "name": "miniature",
    "role": "teach and render",
    "render": {
        "width": 128,
        "height": 128,
        "steps": 20,
        "cfg": 3.0,
        "sampler": "DPM++ 2M",
        "schedule": "Karras",
    },
    "teach": {
        "steps": 120,
        "learning_rate": 1e-3,
        "batch": 4,
        "resolution": 128,
        "targets": "attention + feed-forward + convolutions",
        "source": "random weights: values of the trial, not measured here",
    },
}
