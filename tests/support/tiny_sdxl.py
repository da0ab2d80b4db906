"""Small random-weight SDXL folders, base and refiner: two CLIP text encoders, size conditioning, f = 8.

The layout is SDXL's: no attention at full size, transformers of several blocks with linear projections, the
second text encoder's projection as pooled text. Deterministic from the seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from tests.support.tiny_parts import (
    autoencoder,
    clip_config,
    clip_tokenizer,
    no_zeros,
    quiet,
    vocabulary,
    write_vocabulary,
)
from transformers import CLIPTextModel, CLIPTextModelWithProjection

WIDTHS = (32, 48)
"""Of the hidden states of the first and the second text encoder."""
POOLED = 48
SIZE_WIDTH = 8
"""Numbers that each of the sizes becomes."""


def write_tiny_sdxl(
    folder: Path,
    seed: int = 0,
    *,
    refiner: bool = False,
    prediction: str = "epsilon",
    channels: tuple[int, ...] = (32, 48),
    inpainting: bool = False,
    layers: int = 2,
    **noise: object,
) -> Path:
    """Write the folder and return it. ``channels`` are those of the U-Net's blocks, of which the first has no
    attention; a U-Net for ``inpainting`` also takes a mask and what it leaves; ``layers`` are those
    of its text encoders; ``noise`` are further settings
    of its scheduler.
    """
    first, second = (clip_config(vocabulary()[0], width, layers, projection_dim=POOLED) for width in WIDTHS)
    with quiet(seed):
        networks: dict[str, Any] = {
            "unet": _unet(channels, 9 if inpainting else 4, refiner=refiner),
            "vae": autoencoder(latent_channels=4, scale=0.13025),
            "text_encoder": None if refiner else CLIPTextModel(first),
            "text_encoder_2": CLIPTextModelWithProjection(second),
        }
        no_zeros(network for network in networks.values() if network is not None)
    scheduler: Any = EulerDiscreteScheduler
    settings = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "prediction_type": prediction,
    }
    plain = StableDiffusionXLInpaintPipeline if inpainting else StableDiffusionXLPipeline
    kind: Any = StableDiffusionXLImg2ImgPipeline if refiner else plain
    pipeline = kind(
        **{name: None if network is None else network.eval() for name, network in networks.items()},
        tokenizer=None if refiner else clip_tokenizer(),
        tokenizer_2=clip_tokenizer(pad_token="!"),  # noqa: S106 - a word
        scheduler=scheduler(**(settings | noise)),
        add_watermarker=False,
        **({"requires_aesthetics_score": True} if refiner else {}),
    )
    pipeline.save_pretrained(folder)
    for name in ("tokenizer_2",) if refiner else ("tokenizer", "tokenizer_2"):
        write_vocabulary(folder / name)
    return folder


def _unet(channels: tuple[int, ...], taken: int, *, refiner: bool) -> Any:
    attentive = len(channels) - 1
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=taken,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * attentive),
        up_block_types=(*("CrossAttnUpBlock2D",) * attentive, "UpBlock2D"),
        block_out_channels=channels,
        layers_per_block=1,
        transformer_layers_per_block=(1, *(2,) * attentive),
        cross_attention_dim=WIDTHS[1] if refiner else sum(WIDTHS),
        attention_head_dim=(2, *(4,) * attentive),
        norm_num_groups=16,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=SIZE_WIDTH,
        projection_class_embeddings_input_dim=POOLED + SIZE_WIDTH * (5 if refiner else 6),
    )
