"""Small random-weight SDXL folders, base and refiner: two CLIP text encoders, size conditioning, f = 8.

The layout is SDXL's: no attention at full size, transformers of several blocks with linear projections, the
second text encoder's projection as pooled text. Deterministic from the seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.utils import logging as diffusers_logging
from tests.support.tiny_base import WORDS, vocabulary
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.utils import logging as transformers_logging

WIDTHS = (32, 48)
"""Of the hidden states of the first and the second text encoder."""
POOLED = 48
SIZE_WIDTH = 8
"""Numbers that each of the sizes becomes."""


def write_tiny_sdxl(
    folder: Path, seed: int = 0, *, refiner: bool = False, prediction: str = "epsilon", **noise: object
) -> Path:
    """Write the folder and return it. ``noise`` are further settings of its scheduler."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    vocab, merges = vocabulary(WORDS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks: dict[str, Any] = {
            "unet": _unet(refiner=refiner),
            "vae": _autoencoder(),
            "text_encoder": None if refiner else CLIPTextModel(_text(vocab, WIDTHS[0])),
            "text_encoder_2": CLIPTextModelWithProjection(_text(vocab, WIDTHS[1])),
        }
        for network in networks.values():
            for parameter in network.parameters() if network is not None else ():
                if not parameter.any():
                    parameter.data.normal_(std=0.02)
    tokens: Any = CLIPTokenizer
    scheduler: Any = EulerDiscreteScheduler
    settings = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "prediction_type": prediction,
    }
    kind: Any = StableDiffusionXLImg2ImgPipeline if refiner else StableDiffusionXLPipeline
    first = tokens(vocab=vocab, merges=merges, model_max_length=77)
    second = tokens(vocab=vocab, merges=merges, model_max_length=77, pad_token="!")  # noqa: S106 - a word
    pipeline = kind(
        **{name: None if network is None else network.eval() for name, network in networks.items()},
        tokenizer=None if refiner else first,
        tokenizer_2=second,
        scheduler=scheduler(**(settings | noise)),
        add_watermarker=False,
        **({"requires_aesthetics_score": True} if refiner else {}),
    )
    pipeline.save_pretrained(folder)
    for name in ("tokenizer_2",) if refiner else ("tokenizer", "tokenizer_2"):
        (folder / name / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
        lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
        (folder / name / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _unet(*, refiner: bool) -> Any:
    return UNet2DConditionModel(
        sample_size=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 48),
        layers_per_block=1,
        transformer_layers_per_block=(1, 2),
        cross_attention_dim=WIDTHS[1] if refiner else sum(WIDTHS),
        attention_head_dim=(2, 4),
        norm_num_groups=16,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=SIZE_WIDTH,
        projection_class_embeddings_input_dim=POOLED + SIZE_WIDTH * (5 if refiner else 6),
    )


def _autoencoder() -> Any:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
        scaling_factor=0.13025,
    )


def _text(vocab: dict[str, int], width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(vocab),
        hidden_size=width,
        intermediate_size=width * 2,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=vocab["<|startoftext|>"],
        eos_token_id=vocab["<|endoftext|>"],
        pad_token_id=vocab["<|endoftext|>"],
        projection_dim=POOLED,
    )
